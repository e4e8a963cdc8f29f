"""A stand-in for the services that figures come from, over real HTTP: SEC EDGAR, the ECB and FRED.

Its answers have the shape of the services' documentation, with a few values each.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.listening import listening
from tests.fakes.waiting import Gate


@dataclass(frozen=True)
class Answer:
    """What is sent; with `gate`, when it opens."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    gate: Gate | None = None


@dataclass
class EvidenceServer:
    """`answers` are by path, or by path and the value of `series_id`; `asked` are the requests."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[web.Request] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.asked]

    def answer(self, path: str, value: Any, **how: Any) -> None:
        """Answer this path by text, bytes or a JSON value."""
        body = value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else None
        self.answers[path] = Answer(json.dumps(value).encode() if body is None else body, **how)

    async def take(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        series = request.query.get("series_id", "")
        answer = self.answers.get(f"{request.path}?{series}") or self.answers.get(request.path)
        if answer is None:
            return web.Response(status=404)
        if answer.gate is not None:
            await answer.gate.passed()
        return web.Response(body=answer.body, status=answer.status, headers=answer.headers)

    # SEC EDGAR

    def companies(self, *rows: tuple[int, str, str, str]) -> None:
        """CIK, name, ticker and exchange of each company."""
        value = {"fields": ["cik", "name", "ticker", "exchange"], "data": rows}
        self.answer("/files/company_tickers_exchange.json", value)

    def reports(self, cik: int, *filings: Mapping[str, str], facts: Any, tickers: Sequence[str] = ()) -> None:
        """A company's filings, and its facts as `stated` makes them."""
        self.answer(f"/submissions/CIK{cik:010}.json", submissions(cik, filings, tickers))
        self.answer(f"/api/xbrl/companyfacts/CIK{cik:010}.json", company_facts(cik, facts))

    # The ECB

    def series(self, path: str, *rows: tuple[str, str]) -> None:
        """Periods and values of a series."""
        lines = [f"K,{path.split('/')[1]},{period},{value},A" for period, value in rows]
        self.answer(
            f"/service/data/{path}", "\r\n".join(["KEY,SERIES,TIME_PERIOD,OBS_VALUE,OBS_STATUS", *lines])
        )

    # FRED

    def statistic(
        self, series: str, *rows: tuple[str, str, str], rights: str = "public domain: citation requested"
    ) -> None:
        """Day, value and day of publication of each version of a value; the tag of the series' rights."""
        observations = [
            {"realtime_start": published, "realtime_end": "9999-12-31", "date": day, "value": value}
            for day, value, published in rows
        ]
        self.answer(f"/fred/series/observations?{series}", {"observations": observations})
        tags = [
            {"name": "monthly", "group_id": "freq"},
            *([{"name": rights, "group_id": "cc"}] if rights else []),
        ]
        self.answer(f"/fred/series/tags?{series}", {"tags": tags})


@asynccontextmanager
async def evidence_server() -> AsyncIterator[EvidenceServer]:
    """The stand-in, in the test's event loop."""
    server = EvidenceServer()
    async with listening(server.take, "GET") as server.url:
        yield server


def filing(accession: str, end: str, accepted: str, form: str = "10-K") -> dict[str, str]:
    """A filing for a period that ends on a day, accepted at a time of New York."""
    return {
        "accessionNumber": accession,
        "form": form,
        "reportDate": end,
        "filingDate": accepted[:10],
        "acceptanceDateTime": f"{accepted}.000Z",
    }


def submissions(
    cik: int, filings: Sequence[Mapping[str, str]], tickers: Sequence[str] = ()
) -> dict[str, Any]:
    return {
        "cik": str(cik),
        "name": "A COMPANY",
        "tickers": list(tickers),
        "filings": {"recent": columns(filings), "files": []},
    }


def columns(filings: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    names = ("accessionNumber", "form", "reportDate", "filingDate", "acceptanceDateTime")
    return {name: [each[name] for each in filings] for name in names}


def stated(
    accession: str,
    end: str,
    value: Any,
    *,
    start: str | None = None,
    year: int,
    part: str = "FY",
    form: str = "10-K",
    filed: str,
) -> dict[str, Any]:
    """A value as companyfacts has it. `start` is None for a value of a day."""
    days = {"end": end} if start is None else {"start": start, "end": end}
    return {**days, "val": value, "accn": accession, "fy": year, "fp": part, "form": form, "filed": filed}


def company_facts(cik: int, facts: Mapping[str, Mapping[str, Sequence[Any]]]) -> dict[str, Any]:
    """`facts` are by concept, such as us-gaap:Revenues, and unit."""
    taxonomies: dict[str, dict[str, Any]] = {"dei": {}}
    for name, units in facts.items():
        taxonomy, _, concept = name.partition(":")
        described = {"label": concept, "description": 'A "quoted" {text}', "units": units}
        taxonomies.setdefault(taxonomy, {})[concept] = described
    return {"cik": cik, "entityName": "A COMPANY", "facts": taxonomies}
