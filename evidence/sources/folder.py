"""A customer's own figures, in a folder:

- `instruments.csv`: symbol, name, and optionally exchange and currency.
- `prices/SYMBOL.csv`: date, close as it was paid, and optionally volume, and split (2 where a share became two).
- `fundamentals/SYMBOL.csv`: metric, period, value, unit, known_at, and currency for amounts.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from evidence.record import Instrument, Missing, MissingReason
from evidence.sources import folder_files
from evidence.sources.base import Failed, Gathered, Job, Prices, Question, Source
from evidence.sources.folder_files import LICENCE, SOURCE, FileRefused
from evidence.sources.names import Names

# Figures of one instrument, the newest ones: the record has to have room for those of other sources.
_MOST_FACTS: Final = 60


@dataclass(frozen=True)
class Folder(Source):
    path: Path

    def jobs(self, question: Question) -> Sequence[Job]:
        symbol = question.instrument.symbol
        return [
            Job(SOURCE, [(symbol, "close")], partial(_in_thread, self._prices, question)),
            Job(SOURCE, [(symbol, "fundamentals")], partial(_in_thread, self._fundamentals, question)),
        ]

    async def find(self, text: str) -> Instrument | None:
        return (await asyncio.to_thread(self._names)).match(text)

    async def near(self, text: str) -> Sequence[str]:
        return (await asyncio.to_thread(self._names)).near(text)

    def refusals(self) -> Iterator[FileRefused]:
        """What is wrong with the folder's files, one mistake for each file. Reads all of them."""
        for path in sorted(self.path.glob("*.csv")) + sorted(self.path.glob("*/*.csv")):
            try:
                if path.parent == self.path:
                    folder_files.instruments(path)
                elif path.parent.name == "prices":
                    folder_files.prices(path)
                elif path.parent.name == "fundamentals":
                    folder_files.fundamentals(path)
            except FileRefused as refused:
                yield refused

    def _names(self) -> Names:
        try:
            return Names(folder_files.instruments(self.path / "instruments.csv"))
        except FileRefused as refused:
            raise Failed(MissingReason.UNAVAILABLE, str(refused)) from refused

    def _prices(self, question: Question) -> Gathered:
        symbol, currency = question.instrument.symbol, question.instrument.currency
        sessions = folder_files.prices(self.path / "prices" / f"{symbol}.csv")
        if not sessions:
            missing = Missing(subject=symbol, metric="close", reason=MissingReason.NO_DATA)
            return Gathered(missing=(missing,))
        if currency is None:
            raise Failed(MissingReason.NO_DATA, f"{symbol} has no currency in instruments.csv")
        return Gathered(prices={symbol: Prices(sessions, currency, SOURCE, LICENCE)})

    def _fundamentals(self, question: Question) -> Gathered:
        symbol = question.instrument.symbol
        facts = folder_files.fundamentals(self.path / "fundamentals" / f"{symbol}.csv")
        known = sorted(
            (fact for fact in facts if fact.known_at <= question.as_of),
            key=lambda fact: fact.known_at,
            reverse=True,
        )
        rest = sorted({fact.metric for fact in known[_MOST_FACTS:]})
        missing = [Missing(subject=symbol, metric=each, reason=MissingReason.TOO_MANY) for each in rest]
        return Gathered(tuple(known[:_MOST_FACTS]), missing=tuple(missing))


async def _in_thread(read: Callable[[Question], Gathered], question: Question) -> Gathered:
    try:
        return await asyncio.to_thread(read, question)
    except FileRefused as refused:
        raise Failed(MissingReason.UNAVAILABLE, str(refused)) from refused
