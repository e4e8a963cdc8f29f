"""Reduces EDGAR's answers, of up to many megabytes, to what is wanted of them. Pure.

Every part may be malformed: entries that are not as documented are left out.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from evidence.sources.edgar_concepts import WANTED
from evidence.sources.edgar_reports import ANNUAL, CLOCK, QUARTERLY, Entries, Entry, Filing
from evidence.sources.json_parts import Parts, loads

_ACCESSION: Final = re.compile(r"\d{10}-\d{2}-\d{6}")
_OLDER_FILE: Final = re.compile(r"CIK\d{10}-submissions-\d{3}\.json")
_PARTS: Final = frozenset({"FY", "Q1", "Q2", "Q3", "Q4"})
_COLUMNS: Final = ("accessionNumber", "form", "reportDate", "acceptanceDateTime")


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
    parts = Parts(body.decode())
    head: dict[str, Any] = {}
    columns: dict[str, Any] = {}
    for name in parts.members():
        if name == "filings":
            for part in parts.members():
                if part == "recent":
                    columns = _wanted(parts, _COLUMNS)
                else:
                    head[part] = parts.value()
        elif name in _COLUMNS:
            columns[name] = parts.value()
        else:
            head[name] = parts.value()
    return _dumps(
        {
            "cik": int(head.get("cik", 0)),
            "tickers": [str(each) for each in head.get("tickers", [])],
            "filings": [
                row
                for row in zip(*(columns[name] for name in _COLUMNS), strict=True)
                if row[1] in ANNUAL | QUARTERLY and _ACCESSION.fullmatch(row[0]) and _is_time(*row[2:])
            ],
            "older": [
                [each["name"], each["filingFrom"], each["filingTo"]]
                for each in head.get("files", [])
                if _OLDER_FILE.fullmatch(each["name"])
            ],
        }
    )


def _wanted(parts: Parts, names: Sequence[str]) -> dict[str, Any]:
    return {
        name: value for name, value in ((name, parts.value()) for name in parts.members()) if name in names
    }


def company_facts(body: bytes) -> bytes:
    """{cik, facts {concept: {unit: [[start, end, value, accession, year, part, form, filed] ...]}}} of companyfacts."""
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
            accession, form, date.fromisoformat(end), datetime.fromisoformat(accepted).replace(tzinfo=CLOCK)
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
                *(each["fy"], each["fp"], each["form"], each["filed"]),
            ]


def _is_time(*texts: Any) -> bool:
    """Whether each is a day or a time."""
    try:
        return all(datetime.fromisoformat(text) for text in texts)
    except (TypeError, ValueError):
        return False


def _entry(
    start: str | None, end: str, value: str, accession: str, year: int, part: str, form: str, filed: str
) -> Entry:
    first = None if start is None else date.fromisoformat(start)
    return Entry(first, date.fromisoformat(end), Decimal(value), accession, year, part, form, filed)


def _dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
