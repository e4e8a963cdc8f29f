"""How results can be drawn."""

import pytest

from conversations.agents.tools.query_chart import chart_of
from evidence.sandbox.pool import Result

MONTHS = (("2024-01-01", 3, "1.5"), ("2024-02-01", 4, "2.5"))


def drawn(
    types: str, *rows: tuple[object, ...], truncated: bool = False
) -> tuple[str, int, tuple[int, ...]] | None:
    names = types.split()
    chart = chart_of(Result(tuple(names), tuple(names), rows, truncated))
    return None if chart is None else (chart.kind, chart.x, chart.y)


def test_dates_in_order_are_lines_and_names_are_bars() -> None:
    assert drawn("DATE BIGINT DECIMAL(9,2)", *MONTHS) == ("line", 0, (1, 2))
    assert drawn("TIMESTAMP INTEGER DOUBLE", *reversed(MONTHS)) == ("line", 0, (1, 2))
    assert drawn("VARCHAR VARCHAR DOUBLE", ("N", "x", "1.0"), ("S", "x", "2.0")) == ("bar", 0, (2,))
    assert drawn("BIGINT HUGEINT", (2023, 5), (2024, 6)) == ("bar", 0, (1,))


@pytest.mark.parametrize(
    ("types", "rows"),
    [
        ("VARCHAR BIGINT", [("N", 1)]),
        ("VARCHAR VARCHAR", [("N", "a"), ("S", "b")]),
        ("VARCHAR BIGINT", [("N", 1), ("N", 2)]),
        ("VARCHAR BIGINT", [("N", 1), (None, 2)]),
        ("DATE BIGINT", [("2024-01-01", 1), ("2024-03-01", 2), ("2024-02-01", 3)]),
        ("VARCHAR BIGINT", [(f"name {number}", 1) for number in range(41)]),
        ("DOUBLE BIGINT", [("0.5", 1), ("1.5", 2)]),
    ],
)
def test_other_results_are_not_drawn(types: str, rows: list[tuple[object, ...]]) -> None:
    assert drawn(types, *rows) is None


def test_part_of_a_result_is_not_drawn() -> None:
    assert drawn("DATE BIGINT DECIMAL(9,2)", *MONTHS, truncated=True) is None
