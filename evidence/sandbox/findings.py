"""What is found out about a query beside its result: what its joins do to rows, the dates that it reads, and what its
sums leave out. A part of a statement that is not understood is named, and nothing is said of it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Joined(_Frozen):
    """A table of a join. It has `total` rows; `before` of them are `after` rows of the join. `counted` are the
    functions over its columns that count each of these, such as `sum(amount)`."""

    table: str
    total: int
    before: int
    after: int
    counted: tuple[str, ...] = ()

    @property
    def is_repeated(self) -> bool:
        return self.after > self.before


class Join(_Frozen):
    """`counts_rows`: the query has `count(*)`. `is_filtered`: a condition leaves out rows of the join. `unclear` are
    functions of which it is not certain whose rows they count."""

    tables: tuple[Joined, ...]
    counts_rows: bool = False
    is_filtered: bool = False
    unclear: tuple[str, ...] = ()


class Dates(_Frozen):
    """The dates of a table's column, and those of the rows that are read: from the first to the last, in ISO 8601; None
    where there is none. `is_read`: the query names the column. `is_mixed`: each row that is read counts, whatever its
    date."""

    table: str
    column: str
    first: str | None
    last: str | None
    first_read: str | None = None
    last_read: str | None = None
    is_read: bool = False
    is_mixed: bool = False


class Total(_Frozen):
    """What a column of the result adds up to, and what the same function gives for all rows of the table that fulfil
    the query's conditions; decimals. `is_cut`: the query keeps only some of its groups."""

    column: str
    table: str
    groups: str
    rows: str
    is_cut: bool = False


Part = Literal["joins", "dates", "totals"]


class Findings(_Frozen):
    """`unclear` are the parts that were not checked, because the statement is not understood."""

    joins: tuple[Join, ...] = ()
    dates: tuple[Dates, ...] = ()
    totals: tuple[Total, ...] = ()
    unclear: tuple[Part, ...] = ()
