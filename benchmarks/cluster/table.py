"""Tables in Markdown."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Row = TypeVar("Row")
Columns = Sequence[tuple[str, Callable[[Row], str]]]


def table(columns: Columns[Row], rows: Iterable[Row]) -> str:
    """In Markdown; the first column is words, the others are figures."""
    titles = [title for title, _ in columns]
    lines = [titles, ["---", *["---:"] * (len(columns) - 1)]]
    lines += [[show(row) for _, show in columns] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def number(value: float | None) -> str:
    """With about three digits; a dash for what is not known."""
    if value is None:
        return "–"
    if abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
