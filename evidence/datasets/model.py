"""Tables that are read from a person's file: their columns, and how the values of each were read."""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SAMPLES: Final = 5
"""Rows of a table that are shown."""


class Type(StrEnum):
    """The type of a column. `decimal` is exact, `float` is not; a `timestamp` has no time zone, or is UTC."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


class Reading(BaseModel):
    """How the texts of a column are read. `decimal` is the decimal mark of numbers; `dates` is the order of day, month
    and year in dates of digits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Type
    decimal: Literal[".", ","] | None = None
    dates: Literal["dmy", "mdy", "ymd"] | None = None


class Column(BaseModel):
    """`label` is the column's name in the file, `name` its name in SQL. `unit` is the sign that every number of it has,
    such as % or $. `missing` counts the rows without a value.

    `note` is `mark_assumed` if the file does not tell whether 1,234 is a thousand or a little more than one, and
    `order_unknown` if it does not tell which number of a date is the month; such a column is left as text."""

    model_config = ConfigDict(frozen=True)

    name: str
    label: str
    type: Type
    decimal: str | None = None
    dates: str | None = None
    unit: str | None = None
    missing: int = 0
    note: Literal["mark_assumed", "order_unknown"] | None = None

    @property
    def reading(self) -> Reading:
        return Reading.model_validate({"type": self.type, "decimal": self.decimal, "dates": self.dates})


class Table(BaseModel):
    """`label` is the name of the sheet or file. `samples` are the first rows, as a query has them."""

    model_config = ConfigDict(frozen=True)

    name: str
    label: str
    rows: int
    columns: tuple[Column, ...]
    samples: tuple[tuple[Any, ...], ...] = ()


class Request(BaseModel):
    """What the process that loads a file is asked. `readings` are by table and column: the tables' names are then the
    keys, in order. `taken` are names that new tables must not have."""

    model_config = ConfigDict(frozen=True)

    input: str
    name: str
    output: str
    decimal: Literal[".", ","] | None = None
    dates: Literal["dmy", "mdy", "ymd"] | None = None
    readings: dict[str, dict[str, Reading]] = {}
    taken: Annotated[tuple[str, ...], Field(description="In lower case.")] = ()
    most_tables: int
