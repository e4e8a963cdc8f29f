"""The texts of one column in DuckDB, and the SQL that reads them as values of a type.

Signs ($, %) and spaces around numbers are left out, (12) is -12, and words such as NA are missing values, except in a
column of texts. Two digits of a year are 1969 to 2068. A time with an offset is moved to UTC.
"""

from typing import Final

import duckdb

from evidence.datasets.model import Reading, Type

FIRST: Final = 1_000
"""Values of which a condition is asked before it is asked of all: most conditions fail there."""
INTEGER: Final = r"[+-]?(0|[1-9][0-9]{0,17})"
EXPONENT: Final = r"[+-]?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]{1,3}"
# Digits of an exact number that DuckDB stores in 8 bytes, and of its widest.
NARROW: Final = 18
WIDEST: Final = 38
ORDERS: Final = ("ymd", "dmy", "mdy")

_MISSING: Final = "('', 'NA', 'N/A', 'n/a', '#N/A', 'null', 'NULL', 'None', 'nan', 'NaN', '-', '–', '—')"
_SIGNS: Final = "[$€£¥%]"
_LEFT_OUT: Final = rf"{_SIGNS}|[\s\x{{00A0}}\x{{202F}}]"
_GROUPS: Final = {".": "[,'’]", ",": "[.'’]"}
_FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "ymd": ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"),
    # Years of two digits first: the format of four digits would take them for the first century.
    "dmy": (
        "%d.%m.%y",
        "%d/%m/%y",
        "%d-%m-%y",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%d-%m-%Y",
        "%d %b %Y",
        "%d %B %Y",
        "%d-%b-%Y",
    ),
    "mdy": ("%m/%d/%y", "%m-%d-%y", "%m/%d/%Y", "%m-%d-%Y", "%b %d, %Y", "%B %d, %Y"),
}
_DATE: Final = {
    "ymd": r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}",
    "dmy": r"[0-9]{1,2}([-/.][0-9]{1,2}[-/.]|[- ]\w{3,9}[- ])([0-9]{4}|[0-9]{2})",
    "mdy": r"([0-9]{1,2}[-/][0-9]{1,2}[-/]|\w{3,9} [0-9]{1,2}, )([0-9]{4}|[0-9]{2})",
}
_TIME: Final = r"[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
_TIMES: Final = (" %H:%M", " %H:%M:%S", " %H:%M:%S.%f")


def number(mark: str) -> str:
    """The pattern of a number with this decimal mark."""
    decimals = r"[.][0-9]+" if mark == "." else ",[0-9]+"
    return rf"[+-]?(0|[1-9][0-9]*|[1-9][0-9]{{0,2}}({_GROUPS[mark]}[0-9]{{3}})+)?({decimals})?"


class Texts:
    """`column` and `table` need no quotes; the table has a column `line`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: str, column: str) -> None:
        self._connection = connection
        self._table = table
        self._column = column
        self._widths: dict[str, tuple[int, int]] = {}
        trimmed = f"trim({column})"
        self.text = f"CASE WHEN {trimmed} NOT IN {_MISSING} THEN {trimmed} END"
        bare = f"regexp_replace({self.text}, '{_LEFT_OUT}', '', 'g')"
        self.bare = f"regexp_replace({bare}, '^\\((.*)\\)$', '-\\1')"
        self.sign = f"regexp_extract({self.text}, '{_SIGNS}')"

    def value(self, reading: Reading) -> str:
        """The SQL of the column's value; null where the text cannot be read so."""
        mark = reading.decimal or "."
        digits = self.digits(mark)
        match reading.type:
            case Type.TEXT:
                return f"nullif({self._column}, '')"
            case Type.BOOLEAN:
                truths = (
                    "WHEN 'true' THEN true WHEN 'yes' THEN true WHEN 'false' THEN false WHEN 'no' THEN false"
                )
                return f"CASE lower({self.text}) {truths} END"
            case Type.INTEGER:
                return f"CASE WHEN NOT contains({digits}, '.') THEN TRY_CAST({digits} AS BIGINT) END"
            case Type.DECIMAL:
                return f"TRY_CAST({digits} AS {self._decimal(mark)})"
            case Type.FLOAT:
                scientific = self.matching(self.bare, EXPONENT)
                return f"TRY_CAST(CASE WHEN {scientific} THEN {self.bare} ELSE {digits} END AS DOUBLE)"
            case Type.DATE:
                return self._date(reading.dates or "ymd")
        return self._moment(reading.dates or "ymd")

    def digits(self, mark: str) -> str:
        """The SQL of a number as SQL writes it; null for a text that is none with this mark."""
        plain = f"regexp_replace({self.bare}, '{_quoted(_GROUPS[mark])}', '', 'g')"
        plain = f"replace({plain}, ',', '.')" if mark == "," else plain
        return f"CASE WHEN {self.bare} <> '' AND {self.matching(self.bare, number(mark))} THEN {plain} END"

    def widths(self, mark: str) -> tuple[int, int]:
        """The most digits before and after the decimal mark of its numbers. Asked once: all texts are read for it."""
        if mark not in self._widths:
            digits = f"ltrim({self.digits(mark)}, '+-')"
            [(before, after)] = self._ask(
                f"max(length(regexp_extract({digits}, '[0-9]*', 0))),"
                f" max(length(regexp_extract({digits}, '[.]([0-9]+)', 1)))"
            )
            self._widths[mark] = before or 1, after or 0
        return self._widths[mark]

    def first_bad(self, reading: Reading) -> tuple[int, str] | None:
        """Line and text of the first value that cannot be read so."""
        if reading.type is Type.TEXT:
            return None
        bad = f"{self.text} IS NOT NULL AND {self.value(reading)} IS NULL"
        found = self._ask(f"line, {self._column}", f"WHERE {bad} ORDER BY line LIMIT 1")
        return found[0] if found else None

    def signs(self) -> list[str]:
        """The signs of its values, up to two; empty texts stand for values without one."""
        return [
            sign for (sign,) in self._ask(f"DISTINCT {self.sign}", f"WHERE {self.text} IS NOT NULL LIMIT 2")
        ]

    def missing(self, reading: Reading) -> int:
        """Rows without a value."""
        [(count,)] = self._ask("count(*)", f"WHERE {self.value(reading)} IS NULL")
        return int(count)

    def some(self, condition: str) -> bool:
        return bool(self._ask("1", f"WHERE {condition} LIMIT 1"))

    def all(self, condition: str) -> bool:
        """Whether the condition holds for all values."""
        for source in (f"(FROM {self._table} LIMIT {FIRST})", self._table):
            wrong = f"{self.text} IS NOT NULL AND NOT coalesce({condition}, false)"
            sql = f"SELECT 1 FROM {source} WHERE {wrong} LIMIT 1"  # noqa: S608
            if self._connection.execute(sql).fetchone():
                return False
        return True

    def are_numbers(self, pattern: str) -> bool:
        return self.all(f"{self.bare} <> '' AND {self.matching(self.bare, pattern)}")

    @staticmethod
    def matching(text: str, pattern: str) -> str:
        """The SQL of whether the whole text matches."""
        return f"regexp_full_match({text}, '{_quoted(pattern)}')"

    def _decimal(self, mark: str) -> str:
        width, scale = self.widths(mark)
        precision = NARROW if width + scale <= NARROW else WIDEST
        return f"DECIMAL({precision}, {min(scale, precision)})"

    def _date(self, order: str) -> str:
        parsed = f"try_strptime({self.text}, {[*_FORMATS[order]]})"
        return f"CASE WHEN {self.matching(self.text, _DATE[order])} THEN CAST({parsed} AS DATE) END"

    def _moment(self, order: str) -> str:
        """Dates without a time are midnight."""
        formats = [f"{date}{time}" for date in _FORMATS[order] for time in ("", *_TIMES)]
        parsed = f"try_strptime(replace({self.text}, 'T', ' '), {formats})"
        if order == "ymd":
            # With an offset, too; without one, the session's zone is UTC.
            zoned = f"TRY_CAST({self.text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
            parsed = f"coalesce({zoned}, {parsed})"
        fits = self.matching(self.text, f"{_DATE[order]}({_TIME})?")
        return f"CASE WHEN {fits} THEN {parsed} END"

    def _ask(self, what: str, which: str = "") -> list[tuple]:  # type: ignore[type-arg]
        return self._connection.execute(f"SELECT {what} FROM {self._table} {which}").fetchall()  # noqa: S608


def _quoted(pattern: str) -> str:
    return pattern.replace("'", "''")
