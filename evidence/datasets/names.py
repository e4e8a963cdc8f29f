"""Names for SQL, which need no quotes, from the names in a file."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from evidence.sandbox.guard import SESSION

MAX: Final = 60
_OTHER: Final = re.compile(r"\W+")
# Words of DuckDB that need quotes as a name; what the guard of queries refuses is reserved, too.
_KEYWORDS: Final = """
    all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case cast check
    collate collation column concurrently constraint create cross default deferrable desc describe distinct do
    else end except false fetch for foreign freeze from full glob group having ilike in initially inner intersect
    into is isnull join lambda lateral leading left like limit natural not notnull null offset on only or order
    outer overlaps pivot pivot_longer pivot_wider placing positional primary qualify references returning right
    select semi show similar some summarize symmetric table tablesample then to trailing true union unique
    unpack unpivot using variadic verbose when where window with
"""
_RESERVED: Final = SESSION.union(_KEYWORDS.split())


def distinct(labels: Iterable[str], fallback: str, taken: Iterable[str] = ()) -> Iterator[str]:
    """A name for each label, all different. A label without a letter or digit is named after its number."""
    used = {*taken}
    for number, label in enumerate(labels, start=1):
        name = identifier(label) or f"{fallback}_{number}"
        unique, repeat = name, 2
        while unique in used:
            unique, repeat = f"{name}_{repeat}", repeat + 1
        used.add(unique)
        yield unique


def identifier(label: str) -> str:
    """The label in lower case, with underscores between its words; empty if it has no letter or digit."""
    name = _OTHER.sub("_", label.lower()).strip("_")[:MAX].rstrip("_")
    if not name:
        return ""
    return f"{name}_" if name in _RESERVED else f"n_{name}" if not name[0].isalpha() else name
