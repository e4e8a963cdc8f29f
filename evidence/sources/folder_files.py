"""Reads a customer's files of comma-separated values. A file with a mistake is refused whole, with line and column."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

from evidence.checker.periods import recorded
from evidence.library.series import Session
from evidence.record import Instrument, Quality, Unit
from evidence.sources.base import Fact

T = TypeVar("T")

SOURCE: Final = "own files"
LICENCE: Final = "own data"
MAX_BYTES: Final = 10 * 1024 * 1024
# 80 years of prices.
MAX_ROWS: Final = 20_000
_SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9.-]{0,19}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,12})?")
_METRIC: Final = re.compile(r"[a-z][a-z0-9_]{0,49}")
# Hundredths of a currency, in which some exchanges quote.
_HUNDREDTHS: Final = {"GBX": "GBP", "ZAC": "ZAR", "ILA": "ILS"}
_INSTRUMENTS: Final = (("symbol", "name"), ("exchange", "currency"))
_PRICES: Final = (("date", "close"), ("volume", "split"))
_FUNDAMENTALS: Final = (("metric", "period", "value", "unit", "known_at"), ("currency",))


class FileRefused(Exception):
    """A file that is not as it must be. The message names file, line and column."""


class _Row:
    """One line; each getter raises FileRefused."""

    def __init__(self, path: Path, line: int, values: Mapping[str, str]) -> None:
        self._path, self._line, self._values = path, line, values

    def text(self, column: str) -> str:
        return self._values.get(column, "").strip()

    def of(self, column: str, read: Callable[[str], T], rule: str) -> T:
        try:
            return read(self.text(column))
        except (ValueError, ArithmeticError):
            raise self.refused(column, rule) from None

    def refused(self, column: str, rule: str) -> FileRefused:
        value = self.text(column)[:40]
        return FileRefused(f"{self._path}, line {self._line}, {column}: {rule} (It is {value!r}.)")

    def day(self, column: str) -> date:
        return self.of(column, date.fromisoformat, "Enter a day, such as 2026-10-30.")

    def number(self, column: str) -> Decimal:
        return self.of(column, _number, "Enter a number with a point and without separators, such as 1234.5.")


def instruments(path: Path) -> Sequence[Instrument]:
    """The instruments of a file; none if there is no such file. Raises FileRefused."""
    return _kept(path, _instruments) or ()


def prices(path: Path) -> Sequence[Session] | None:
    """The sessions of a file, oldest first; None if there is no such file. Raises FileRefused."""
    return _kept(path, _sessions)


def fundamentals(path: Path) -> Sequence[Fact]:
    """The figures of a file about the instrument that it is named after; none if there is no such file. Raises
    FileRefused."""
    return _kept(path, _facts) or ()


def _kept(path: Path, read: Callable[[Path], Sequence[T]]) -> Sequence[T] | None:
    """What was read of the file; it is read again when it has changed."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise FileRefused(f"{path} cannot be read: {failure.strerror}.") from None
    return _read(path, read, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, read: Callable[[Path], Sequence[Any]], _changed: int, size: int) -> Sequence[Any]:
    if size > MAX_BYTES:
        raise FileRefused(f"{path} has {size:,} bytes; the most is {MAX_BYTES:,}.")
    return read(path)


def _instruments(path: Path) -> Sequence[Instrument]:
    found: dict[str, Instrument] = {}
    for row in _rows(path, *_INSTRUMENTS):
        symbol, name, currency = row.text("symbol"), row.text("name"), row.text("currency")
        if not _SYMBOL.fullmatch(symbol) or symbol in found:
            raise row.refused("symbol", "Enter a symbol of capitals, digits, points and hyphens, once.")
        if not name or len(name) > 100 or not name.isprintable():
            raise row.refused("name", "Enter a name of at most 100 characters.")
        found[symbol] = Instrument(
            symbol=symbol, name=name, exchange=row.text("exchange")[:20], currency=_currency(row, currency)
        )
    return tuple(found.values())


def _sessions(path: Path) -> Sequence[Session]:
    found: list[Session] = []
    for row in _rows(path, *_PRICES):
        day, close = row.day("date"), row.number("close")
        if found and day <= found[-1].day:
            raise row.refused("date", "Enter each day once, the oldest first.")
        if close <= 0:
            raise row.refused("close", "Enter a price above 0, as it was paid.")
        volume = row.of("volume", int, "Enter a whole number.") if row.text("volume") else 0
        split = row.number("split") if row.text("split") else Decimal(1)
        if split <= 0 or volume < 0:
            raise row.refused("split" if split <= 0 else "volume", "Enter a number above 0.")
        found.append(Session(day, close, volume, split))
    return tuple(found)


def _facts(path: Path) -> Sequence[Fact]:
    return tuple(_fact(row, path) for row in _rows(path, *_FUNDAMENTALS))


def _fact(row: _Row, path: Path) -> Fact:
    metric, period = row.text("metric"), row.text("period")
    if not _METRIC.fullmatch(metric):
        raise row.refused("metric", "Enter a metric such as revenue or net_income.")
    if recorded(period) is None:
        raise row.refused("period", "Enter a period such as FY2025, Q3 2026, 2026-09 or 2026-09-30.")
    unit = row.of("unit", Unit, f"Enter one of {', '.join(Unit)}.")
    currency = _currency(row, row.text("currency"))
    if (unit is Unit.CURRENCY) != (currency is not None):
        raise row.refused("currency", "Enter the currency, such as USD, if and only if the unit is currency.")
    return Fact(
        subject=path.stem, metric=metric, period=period, value=row.number("value"), unit=unit, currency=currency,
        source=SOURCE, licence=LICENCE, locator=f"{path.parent.name}/{path.name} {metric} {period}",
        # The end of the day, from which on it was known for certain.
        known_at=datetime.combine(row.day("known_at"), time(23, 59, 59, tzinfo=UTC)),
        quality=Quality.OK, definition="from the own files",
    )  # fmt: skip


def _currency(row: _Row, text: str) -> str | None:
    if text in _HUNDREDTHS:
        raise row.refused("currency", f"Enter amounts in {_HUNDREDTHS[text]}, not in hundredths.")
    if text and not re.fullmatch(r"[A-Z]{3}", text):
        raise row.refused("currency", "Enter a currency of three capitals, such as USD.")
    return text or None


def _rows(path: Path, required: Sequence[str], optional: Sequence[str]) -> Iterator[_Row]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as failure:
        raise FileRefused(f"{path} is not UTF-8: the mistake is at byte {failure.start + 1}.") from None
    except OSError as failure:
        raise FileRefused(f"{path} cannot be read: {failure.strerror}.") from None
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header, required, optional)
        for line in reader:
            if reader.line_num > MAX_ROWS + 1:
                raise FileRefused(f"{path} has more than {MAX_ROWS:,} lines.")
            if not line:
                continue
            if len(line) != len(header):
                raise FileRefused(
                    f"{path}, line {reader.line_num}: it has {len(line)} values, and the header {len(header)} columns."
                )
            yield _Row(path, reader.line_num, dict(zip(header, line, strict=True)))
    except csv.Error as failure:
        raise FileRefused(f"{path}, line {reader.line_num}: {failure}.") from None


def _check_header(
    path: Path, header: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> None:
    known = {*required, *optional}
    for name in header:
        if name not in known or header.count(name) > 1:
            raise FileRefused(
                f"{path}, line 1, {name[:40]!r}: Remove this column; use {', '.join((*required, *optional))}."
            )
    for name in required:
        if name not in header:
            raise FileRefused(f"{path}, line 1: The column {name} is missing.")


def _number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)
