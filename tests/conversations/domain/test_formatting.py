"""The same amounts as in frontend/src/shared/format.test.ts."""

import pytest

from conversations.domain.formatting import money, percent


@pytest.mark.parametrize(
    ("dollars", "expected"),
    [
        (None, "unknown"),
        (0, "$0"),
        (0.0000004, "under $0.000001"),
        (0.000001, "$0.000001"),
        (0.000042, "$0.000042"),
        (0.0016, "$0.0016"),
        (0.25, "$0.25"),
        (0.5, "$0.50"),
        (12.5, "$12.50"),
    ],
)
def test_money(dollars: float | None, expected: str) -> None:
    assert money(dollars) == expected


def test_percent_rounds_half_up() -> None:
    assert percent(0.625) == "63 %"
