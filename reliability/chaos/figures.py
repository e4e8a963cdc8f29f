"""The results of chaos scenarios: rows of the table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass
class Row:
    """One fault. `detected` and `recovered` are seconds from the fault: to the first event that shows that it was seen,
    and to the next words that somebody hears. `lost` counts stored rows that are gone, altered or doubled, and words
    that a watcher missed. `problems` says in sentences what went otherwise than promised."""

    fault: str
    tried: int = 0
    detected: list[float] = field(default_factory=list)
    recovered: list[float] = field(default_factory=list)
    lost: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def found(self, problems: Sequence[str], *, lost: bool = False) -> None:
        self.problems += problems
        self.lost += len(problems) if lost else 0

    def __str__(self) -> str:
        said = f"{self.fault}: tried {self.tried}, detected {shown(self.detected)}, recovered {shown(self.recovered)}"
        return "\n".join(
            [f"{said}, lost {self.lost}", *(f"    FAULT {it}" for it in self.problems), *self.notes]
        )


def together(rows: Sequence[Row]) -> Row:
    """One row of the same fault, tried several times."""
    whole = Row(rows[0].fault)
    for row in rows:
        whole.tried += row.tried
        whole.lost += row.lost
        whole.detected += row.detected
        whole.recovered += row.recovered
        whole.problems += row.problems
        whole.notes += row.notes
    return whole


def shown(seconds: Sequence[float]) -> str:
    """Median and worst."""
    if not seconds:
        return "–"
    return f"{_seconds(median(seconds))} / {_seconds(max(seconds))}"


def _seconds(value: float) -> str:
    if value < 0.0005:
        return "0 ms"
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.1f} s"
