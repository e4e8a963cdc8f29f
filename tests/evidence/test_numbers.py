"""The grammar of figures: value, unit, and how exactly they are stated."""

import pytest

from evidence.checker.figure import Bound
from evidence.checker.numbers import figures
from evidence.checker.text import plain

# Nothing here depends on what differs between versions of Python or Django.


def found(text: str) -> list[tuple[str, str, str]]:
    form = plain(text)
    return [
        (form.text[figure.start : figure.end], format(figure.value.normalize(), "f"), figure.measure.value)
        for figure in figures(form.text)
        if figure.is_understood
    ]


@pytest.mark.parametrize(
    ("text", "value", "measure"),
    [
        ("$156.5bn", "156500000000", "currency"),
        ("$156.5 billion", "156500000000", "currency"),
        ("US$3.4 million", "3400000", "currency"),
        ("EUR 1.2 million", "1200000", "currency"),
        ("3.4m euros", "3400000", "currency"),
        ("45 cents", "0.45", "currency"),
        ("$.50", "0.5", "currency"),
        ("$1,234.50", "1234.5", "currency"),
        ("45 %", "45", "percent"),
        ("45 per cent", "45", "percent"),
        ("-18.9%", "-18.9", "percent"),
        ("−4%", "-4", "percent"),
        ("+61%", "61", "percent"),
        ("3.4 percentage points", "3.4", "percent"),
        ("3.4pp", "3.4", "percent"),
        ("340 basis points", "340", "bp"),
        ("25bps", "25", "bp"),
        ("12.1x", "12.1", "multiple"),
        ("12 times", "12", "multiple"),
        ("ten times", "10", "multiple"),
        ("twenty-five percent", "25", "percent"),
        ("two hundred and fifty million dollars", "250000000", "currency"),
        ("one point five per cent", "1.5", "percent"),
        ("one point two five billion dollars", "1250000000", "currency"),
        ("twelve point one", "12.1", "plain"),
        ("14.6 points", "14.6", "plain"),
        ("23.6 million", "23600000", "plain"),
        ("23.6 MM", "23600000", "plain"),
        ("$41,733 mil", "41733000000", "currency"),
        ("(6.8)%", "-6.8", "percent"),
        ("–6.8%", "-6.8", "percent"),
        ("two and a half per cent", "2.5", "percent"),
        ("six and three quarters per cent", "6.75", "percent"),
        ("two and a half billion dollars", "2500000000", "currency"),
        ("half a per cent", "0.5", "percent"),
        ("halved", "0.5", "multiple"),
        ("2,000", "2000", "plain"),
        ("71", "71", "plain"),
        ("３５％", "35", "percent"),
        ("4\u200b5%", "45", "percent"),
    ],
)
def test_a_figure_has_its_value_in_base_units(text: str, value: str, measure: str) -> None:
    for sentence in (text, f"It was {text}.", f"({text})", f"**{text}**"):
        assert [each[1:] for each in found(sentence)] == [(value, measure)]


@pytest.mark.parametrize(
    ("text", "written", "value"),
    [
        ("The return was (6.8%).", "(6.8%)", "-6.8"),
        ("A loss of ($1.2 billion).", "($1.2 billion)", "-1200000000"),
        ("It earned $(41.7) billion.", "$(41.7) billion", "-41700000000"),
        ("The return was (-6.8%).", "-6.8%", "-6.8"),
        ("The average ($607.78) held.", "$607.78", "607.78"),
    ],
)
def test_a_bracket_is_a_minus_where_it_stands_for_a_value(text: str, written: str, value: str) -> None:
    assert [each[:2] for each in found(text)] == [(written, value)]


@pytest.mark.parametrize(
    "text",
    [
        "[E3] and [1]", "2012-12-31", "19 September 2012", "September 19, 2012", "FY2012", "fiscal 2012",
        "Q3 2012", "3Q12", "in 2012",
        "the 1990s", "S&P 500", "10-K", "ASC 606", "IFRS 16", "Section 9.2", "iPhone 5", "a 14-day RSI(14)",
        "the 200-day average",
        "12 months", "30 days", "5 analysts", "COVID-19", "5G", "4K", "401(k)", "24/7", "a 7-for-1 split",
        "1. First", "No. 71", "the 21st",
        "https://example.com/123.45", "version 2.1.3", "10:30", "one of them", "20 years", "at one point five left",
        "call +1 (408) 996-1010", "Cupertino, CA 95014", "CIK 0000320193", "the file 20121231", "the 50/200-day cross",
        "a quarter of the year", "doubled down",
    ],
)  # fmt: skip
def test_a_number_that_claims_nothing_is_left_out(text: str) -> None:
    assert figures(plain(text).text) == []


@pytest.mark.parametrize(
    "text",
    [
        "44,6 %",
        "1.234,56 EUR",
        "1'234'567",
        "1 234 567",
        "1,23,456",
        "15 lakh",
        "3亿",
        "٣٥",
        "10²",
        "twenty thirteen thousand dollars",
        "17.6‰",
        "18 per mille",
        "27.4e6",
        "2.74 × 10⁷",
        "2 1/2%",
        "52·8",
    ],
)
def test_another_notation_is_never_guessed(text: str) -> None:
    (figure,) = figures(plain(text).text)
    assert not figure.is_understood


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("10-12%", ["10", "12"]),
        ("between 10 and 15 per cent", ["10", "15"]),
        ("$10–12bn", ["10000000000", "12000000000"]),
        ("from 40.5 to 43.9 %", ["40.5", "43.9"]),
    ],
)
def test_the_ends_of_a_range_share_its_unit(text: str, values: list[str]) -> None:
    assert [value for _, value, _ in found(text)] == values
    assert len({measure for _, _, measure in found(text)}) == 1


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("about 12.1x", Bound.ABOUT),
        ("~12.1x", Bound.ABOUT),
        ("more than 12.1x", Bound.ABOVE),
        ("up to 12.1x", Bound.BELOW),
        ("12.1x", Bound.EXACT),
    ],
)
def test_how_exactly_a_figure_is_meant(text: str, bound: Bound) -> None:
    assert [figure.bound for figure in figures(text)] == [bound]


def test_offsets_are_those_of_the_original() -> None:
    text = "Ｒevenue\u200b of \u200b＄１５６.５bn"
    form = plain(text)
    (figure,) = figures(form.text)
    start, end = form.original(figure.start, figure.end)
    assert text[start:end] == "＄１５６.５bn"
