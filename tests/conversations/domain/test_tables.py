"""The tables of messages, and what of their cells a spreadsheet may take for a formula."""

import pytest

from conversations.domain.tables import disarmed, tables

TWO = """Before.

| Metric | FY24 |
|:--|--:|
| **Revenue** | 1,323.5 |
| `=SUM(A1)` | a \\| b |

Words.

| x |
|---|
"""


def test_tables_are_found_in_order_as_plain_text() -> None:
    assert tables(TWO) == [
        [["Metric", "FY24"], ["Revenue", "1,323.5"], ["=SUM(A1)", "a | b"]],
        [["x"]],
    ]


@pytest.mark.parametrize("text", ["no table", "a | b", "```\n| a |\n|---|\n```", "| a |\n\n|---|"])
def test_what_is_no_table_is_left_out(text: str) -> None:
    assert tables(text) == []


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd", "-cmd", "@SUM", "\t=1", "\r=1", "\n=1", "＝1+1", "-1+1", "+1|x", "--1", "-"]
)
def test_a_cell_that_would_be_a_formula_is_disarmed(cell: str) -> None:
    assert disarmed(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell", ["12", "-3.2", "+1,250.75", "-$4.10", "-12 %", "1e-3", "-1.2E+6", "text", "Q1 = Q2", ""]
)
def test_numbers_and_words_stay_as_they_are(cell: str) -> None:
    assert disarmed(cell) == cell


def test_a_minus_sign_becomes_a_hyphen() -> None:
    assert disarmed("\N{MINUS SIGN}3.2") == "-3.2"
