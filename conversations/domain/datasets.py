"""The requests of people about their datasets, and their validation."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from conversations.domain.requests import LINES, Form
from evidence.datasets.model import Reading, Type
from evidence.sandbox.limits import MAX_SQL

MAX_NAMED = 200


class ColumnReading(Form):
    """How a column is read from now on."""

    table: Annotated[str, StringConstraints(max_length=MAX_NAMED), Field(description="Name of the table.")]
    column: Annotated[str, StringConstraints(max_length=MAX_NAMED), Field(description="Name of the column.")]
    type: Type
    decimal: Annotated[
        Literal[".", ","] | None, Field(description="The decimal mark of numbers; null for a point.")
    ] = None
    dates: Annotated[
        Literal["dmy", "mdy", "ymd"] | None,
        Field(description="The order of day, month and year; null for year, month, day."),
    ] = None

    @property
    def reading(self) -> Reading:
        return Reading(type=self.type, decimal=self.decimal, dates=self.dates)


class ColumnReadings(Form):
    """A change of how columns are read. All others stay as they are."""

    columns: Annotated[list[ColumnReading], Field(min_length=1, max_length=500)]


class NewQuery(Form):
    """A query over the tables of a dataset."""

    sql: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_SQL),
        LINES,
        Field(description="One SELECT statement in DuckDB's SQL, at most 20,000 characters."),
    ]
