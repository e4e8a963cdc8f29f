"""Reduces EDGAR's answers, of up to many megabytes, to what is wanted of them. Pure.

Every part may be malformed: entries that are not as documented are left out.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from evidence.sources.edgar_concepts import WANTED
from evidence.sources.edgar_reports import ANNUAL, QUARTERLY, Entries, Entry, Filing
from evidence.sources.json_parts import Parts, loads

_ACCESSION: Final = re.compile(r"\d{10}-\d{2}-\d{6}")
_OLDER_FILE: Final = re.compile(r"CIK\d{10}-submissions-\d{3}\.json")
_PARTS: Final = frozenset({"FY", "Q1", "Q2", "Q3", "Q4"})
# EDGAR writes its times with a Z. For some companies they are UTC, for others New York's: the later reading never lets
# a report be known too early.
_CLOCK: Final = ZoneInfo("America/New_York")


def companies(body: bytes) -> bytes:
    """[[ticker, name, exchange, CIK] ...] of company_tickers_exchange.json."""
    document = loads(body)
    places = [document["fields"].index(name) for name in ("ticker", "name", "exchange", "cik")]
    rows = [[row[place] for place in places] for row in document["data"]]
    return _dumps(
        [
            [ticker, name, exchange or "", cik]
            for ticker, name, exchange, cik in rows
            if re.fullmatch(r"[A-Z0-9.-]{1,20}", str(ticker)) and isinstance(name, str) and type(cik) is int
        ]
    )


def submissions(body: bytes) -> bytes:
    """{cik, tickers, filings [[accession, form, period's end, accepted] ...], older [[file, from, to] ...]} of a
    company's submissions, or of one of its older files."""
    document = loads(body)
    filings = document.get("filings", {})
    recent = filings.get("recent", document)
    columns = [recent[name] for name in ("accessionNumber", "form", "reportDate", "acceptanceDateTime")]
    return _dumps(
        {
            "cik": int(document.get("cik", 0)),
            "tickers": [str(each) for each in document.get("tickers", [])],
            "filings": [
                row
                for row in zip(*columns, strict=True)
                if row[1] in ANNUAL | QUARTERLY and _ACCESSION.fullmatch(row[0]) and _is_time(*row[2:])
            ],
            "older": [
                [each["name"], each["filingFrom"], each["filingTo"]]
                for each in filings.get("files", [])
                if _OLDER_FILE.fullmatch(each["name"])
            ],
        }
    )


def company_facts(body: bytes) -> bytes:
    """{cik, facts {concept: {unit: [[start, end, value, accession, year, part, filed] ...]}}} of companyfacts."""
    parts = Parts(body.decode())
    found: dict[str, Any] = {"cik": 0, "facts": {}}
    for name in parts.members():
        if name == "cik":
            found["cik"] = int(parts.value())
        elif name == "facts":
            found["facts"] = {
                concept: {unit: [*_rows(values)] for unit, values in stated["units"].items()}
                for concept, stated in _concepts(parts)
            }
        else:
            parts.value()
    return _dumps(found)


def read_filings(reduced: Sequence[Sequence[str]]) -> list[Filing]:
    """Filings of reduced submissions."""
    return [
        Filing(
            accession, form, date.fromisoformat(end), datetime.fromisoformat(accepted).replace(tzinfo=_CLOCK)
        )
        for accession, form, end, accepted in reduced
    ]


def read_entries(reduced: Mapping[str, Mapping[str, Sequence[Sequence[Any]]]]) -> Entries:
    """Entries of reduced company facts."""
    return {
        concept: {unit: [_entry(*row) for row in rows] for unit, rows in units.items()}
        for concept, units in reduced.items()
    }


def _concepts(parts: Parts) -> Iterator[tuple[str, Any]]:
    for taxonomy in parts.members():
        for name in parts.members():
            value = parts.value()
            if f"{taxonomy}:{name}" in WANTED:
                yield f"{taxonomy}:{name}", value


def _rows(values: Sequence[Mapping[str, Any]]) -> Iterator[list[Any]]:
    for each in values:
        days = [day for name in ("start", "end", "filed") if (day := each.get(name)) is not None]
        is_usable = (
            each.get("form") in ANNUAL | QUARTERLY
            and _ACCESSION.fullmatch(str(each.get("accn")))
            and _is_time(*days)
            and each.get("fp") in _PARTS
            and type(each.get("fy")) is int
            and type(each.get("val")) in {int, Decimal}
            and "end" in each
            and "filed" in each
        )
        if is_usable:
            yield [
                *(each.get("start"), each["end"], str(each["val"]), each["accn"]),
                *(each["fy"], each["fp"], each["filed"]),
            ]


def _is_time(*texts: Any) -> bool:
    """Whether each is a day or a time."""
    try:
        return all(datetime.fromisoformat(text) for text in texts)
    except (TypeError, ValueError):
        return False


def _entry(
    start: str | None, end: str, value: str, accession: str, year: int, part: str, filed: str
) -> Entry:
    first = None if start is None else date.fromisoformat(start)
    return Entry(first, date.fromisoformat(end), Decimal(value), accession, year, part, filed)


def _dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
