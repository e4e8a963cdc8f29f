"""Values of a result as JSON: whole numbers up to 2^53 as numbers, all other numbers as strings with all their digits,
dates and times in ISO 8601, everything else as DuckDB's text."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from evidence.sandbox.limits import MAX_CELL

# Whole numbers beyond it are not exact in every reader of JSON.
_EXACT: Final = 2**53


def encoded(value: Any) -> tuple[Any, bool]:
    """The value, and whether a long text was cut."""
    match value:
        case None | bool():
            return value, False
        case int() if -_EXACT <= value <= _EXACT:
            return value, False
        case Decimal():
            return f"{value:f}", False
        case float():
            return repr(value), False
        case datetime() | date() | time():
            return value.isoformat(), False
        case bytes():
            text = value.hex()
        case _:
            text = str(value)
    return (f"{text[: MAX_CELL - 1]}…", True) if len(text) > MAX_CELL else (text, False)


def is_number(type_: str) -> bool:
    """Whether values of this type of DuckDB's are numbers."""
    return type_.startswith(("DECIMAL", "DOUBLE", "FLOAT")) or type_.endswith("INT") or type_ == "INTEGER"
