"""Exact arithmetic from a text: what it gives, and what it refuses."""

import pytest

from conversations.domain.arithmetic import NotArithmetic, asked, evaluate

SUMS = {
    "15% of 850": "127.5",
    "850 + 15%": "977.5",
    "850 - 15 per cent": "722.5",
    "10% + 5%": "15%",
    "50% of 50%": "25%",
    "$1,250.50 * 3": "3751.5 USD",
    "100 euros minus 12.5%": "87.5 EUR",
    "$900 / $300": "3",
    "12 percent of $3 million": "360000 USD",
    "0.1 + 0.2": "0.3",
    "-3^2": "-9",
    "2^-2": "0.25",
    "(1 + 2) × 3 ÷ 9": "1",
    "average(1, 2, 6) + max(4, 5)": "8",
    "1 / 3": "about 0.333333333333333",
}


@pytest.mark.parametrize("expression", SUMS)
def test_a_sum_is_exact(expression: str) -> None:
    assert str(evaluate(expression)) == SUMS[expression]


REFUSED = [
    "", "1 +", "2 3", "1,5", "(1", "1 / 0", "$10 + €5", "$2 * $3", "9^101", "10^31", "sqrt(-1)", "round(1, 0.5)",
    "__import__('os')", "1" * 301, "(" * 21 + "1" + ")" * 21, "1" + "+1" * 60, "apples + 2",
]  # fmt: skip


@pytest.mark.parametrize("expression", REFUSED)
def test_what_is_no_sum_is_refused(expression: str) -> None:
    with pytest.raises(NotArithmetic):
        evaluate(expression)


@pytest.mark.parametrize(
    ("question", "expression"),
    [
        ("What is 15% of 850?", "15% of 850"),
        ("please calculate (3+4)*5", "(3+4)*5"),
        ("How much is $1,200 plus 19%?", "$1,200 plus 19%"),
        ("What does 3 x 4 equal?", "3 x 4"),
        ("Is 15% of revenue too much?", None),
        ("Is AAPL a buy at 12 times earnings?", None),
        ("2020-2021", None),
        ("2024-05-01?", None),
        ("850", None),
        ("What is 15% of 850, and is AAPL a buy?", None),
    ],
)
def test_only_a_question_that_is_a_sum_has_an_expression(question: str, expression: str | None) -> None:
    assert asked(question) == expression
