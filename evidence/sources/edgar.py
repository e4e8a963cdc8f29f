"""SEC EDGAR: annual and quarterly reports of companies that are listed in the United States.

1. The list of companies gives the ticker's CIK, the SEC's number for a company.
2. The company's submissions give its reports, with the time at which each was accepted.
3. Its facts give the values of each report, by the report's accession number.

EDGAR has no prices.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from evidence.instruments import is_pair
from evidence.record import Instrument, Missing, MissingReason
from evidence.sources import edgar_answers, names
from evidence.sources.base import Failed, Gathered, Job, Question, Source
from evidence.sources.edgar_concepts import THREE_YEARS
from evidence.sources.edgar_reports import SOURCE, facts
from evidence.sources.names import Names
from evidence.sources.web import Pace, Web

# The SEC allows ten requests a second.
PACE: Final = Pace(5, 1)
_MEGABYTE: Final = 1024 * 1024
# The largest companies' facts have about 10 MB.
_MOST_FACTS: Final = 32 * _MEGABYTE
# Those of banks, which file thousands of papers a year.
_MOST_FILINGS: Final = 32 * _MEGABYTE
_MOST_LIST: Final = 8 * _MEGABYTE
_FRESH_LIST: Final = 86_400
_FRESH: Final = 900
# Older files of a company's submissions that are read for one debate; each has 1,000 filings or more.
_MOST_OLDER: Final = 2
# The newest annual report was filed within this time.
_BACK: Final = timedelta(days=550)
# The library's companies, whatever their tickers mean today. Google's reports before its holding are under another one.
_CIKS: Final = {"AAPL": 320193, "MSFT": 789019, "GOOG": 1652044, "FB": 1326801, "IBM": 51143}
_GOOGLE_INC: Final = 1288776
_ALPHABET_SINCE: Final = date(2015, 10, 2)


@dataclass(frozen=True)
class _Companies:
    """The list of companies, with the CIK of each ticker."""

    names: Names
    numbers: Mapping[str, int]


@dataclass(frozen=True)
class Edgar(Source):
    """`site` has the list of companies, `data` the rest."""

    web: Web
    site: str
    data: str

    def jobs(self, question: Question) -> Sequence[Job]:
        symbol = question.instrument.symbol
        if is_pair(symbol):
            return ()
        wanted = [(symbol, metric) for metric in sorted(THREE_YEARS)]
        return [Job(SOURCE, wanted, lambda: self._reports(symbol, question.as_of))]

    async def find(self, text: str) -> Instrument | None:
        return (await self._companies()).names.match(text)

    async def near(self, text: str) -> Sequence[str]:
        return (await self._companies()).names.near(text)

    async def _reports(self, symbol: str, as_of: datetime) -> Gathered:
        cik = await self._cik(symbol, as_of)
        submissions = await self._ask(
            f"{self.data}/submissions/CIK{cik:010}.json", edgar_answers.submissions, _MOST_FILINGS
        )
        has_ticker = symbol in _CIKS or symbol in {each.replace(".", "-") for each in submissions["tickers"]}
        if not has_ticker or submissions["cik"] != cik:
            raise Failed(MissingReason.WRONG_INSTRUMENT, f"CIK {cik} is another company")
        url = f"{self.data}/api/xbrl/companyfacts/CIK{cik:010}.json"
        company_facts = await self._ask(url, edgar_answers.company_facts, _MOST_FACTS)
        if company_facts["cik"] != cik:
            raise Failed(MissingReason.WRONG_INSTRUMENT, f"CIK {cik} is another company")
        filings = [*submissions["filings"], *await self._older(submissions["older"], as_of)]
        return await asyncio.to_thread(_chosen, symbol, filings, company_facts["facts"], as_of)

    async def _cik(self, symbol: str, as_of: datetime) -> int:
        if symbol == "GOOG" and as_of.date() < _ALPHABET_SINCE:
            return _GOOGLE_INC
        if symbol in _CIKS:
            return _CIKS[symbol]
        if (cik := (await self._companies()).numbers.get(symbol)) is not None:
            return cik
        raise Failed(MissingReason.NO_DATA, "not in the list of companies")

    async def _older(self, files: Sequence[Sequence[str]], as_of: datetime) -> list[Any]:
        """Filings of the older files that may have the newest reports of that time."""
        last, first = as_of.date().isoformat(), (as_of - _BACK).date().isoformat()
        wanted = [name for name, begin, end in files if begin <= last and end >= first][:_MOST_OLDER]
        found: list[Any] = []
        for name in wanted:
            url = f"{self.data}/submissions/{name}"
            found += (await self._ask(url, edgar_answers.submissions, _MOST_FILINGS))["filings"]
        return found

    async def _companies(self) -> _Companies:
        url = f"{self.site}/files/company_tickers_exchange.json"
        reduced = await self.web.ask(url, {}, edgar_answers.companies, most=_MOST_LIST, fresh=_FRESH_LIST)
        return await asyncio.to_thread(_read, reduced)

    async def _ask(self, url: str, reduce: Any, most: int) -> Any:
        return await asyncio.to_thread(
            json.loads, await self.web.ask(url, {}, reduce, most=most, fresh=_FRESH)
        )


@lru_cache(maxsize=1)
def _read(reduced: bytes) -> _Companies:
    instruments, numbers = [], {}
    for ticker, name, exchange, cik in json.loads(reduced):
        instruments.append(
            Instrument(
                symbol=ticker,
                name=names.short(name) or ticker,
                exchange=str(exchange)[:20].upper(),
                currency="USD",
                names=(names.clean(name),),
            )
        )
        numbers[ticker] = cik
    return _Companies(Names(instruments), numbers)


def _chosen(symbol: str, filings: Sequence[Any], reduced: Any, as_of: datetime) -> Gathered:
    found = tuple(
        facts(symbol, edgar_answers.read_filings(filings), edgar_answers.read_entries(reduced), as_of)
    )
    stated = {fact.metric for fact in found}
    return Gathered(
        found,
        missing=tuple(
            Missing(subject=symbol, metric=metric, reason=MissingReason.NO_DATA)
            for metric in sorted(THREE_YEARS - stated)
        ),
    )
