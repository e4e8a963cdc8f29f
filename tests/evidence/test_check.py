"""The labels of figures, by sentences that were labelled by hand; and what keeps the checker bounded."""

import json
import time
from timeit import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.checker.check import MAX_FIGURES, MAX_SENTENCE, Checker, check, prepare
from evidence.checker.reading import MAX_CLAIMS
from evidence.checker.verdicts import Label
from evidence.record import load
from tests.evidence.snapshots import FOLDER, apple

# Nothing here depends on what differs between versions of Python or Django.

SNAPSHOT = apple()
PREPARED = prepare(SNAPSHOT)
SENTENCES = json.loads((FOLDER / "sentences.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", SENTENCES, ids=lambda row: row["text"][:60])
def test_a_figure_gets_its_label(row: dict[str, object]) -> None:
    assert [[figure.text, str(figure.label)] for figure in check(str(row["text"]), SNAPSHOT)] == row[
        "figures"
    ]


def test_a_contradicted_figure_has_the_records_value() -> None:
    (figure,) = check("Gross margin fell to 38.2% in FY2012.", SNAPSHOT)
    assert figure.as_json() == {
        "start": 21,
        "end": 26,
        "text": "38.2%",
        "value": "38.2",
        "unit": "percent",
        "label": "contradicted",
        "evidence": ["E79"],
        "expected": "43.9",
        "formula": None,
    }


def test_a_derived_figure_says_how() -> None:
    (figure,) = check("Net margin was 26.7% [E72, E69].", SNAPSHOT)
    assert (figure.label, figure.evidence, figure.formula) == (
        Label.DERIVED,
        ("E72", "E69"),
        "E72 / E69 * 100",
    )


@pytest.mark.parametrize(("cited", "label"), [("E6", Label.MATCHED), ("E5", Label.UNSUPPORTED)])
def test_a_fall_is_matched_by_the_return_that_it_cites(cited: str, label: Label) -> None:
    (figure,) = check(f"Apple fell 18.9% [{cited}] over three months.", SNAPSHOT)
    assert figure.label is label


def test_a_return_is_not_matched_by_the_citation_of_another_time() -> None:
    (figure,) = check("Apple gained 32.6% [E7] over three months.", SNAPSHOT)
    assert figure.label not in {Label.MATCHED, Label.DERIVED}


@pytest.mark.parametrize("percent", range(1, 100))
def test_an_invented_whole_per_cent_is_no_plain_green(percent: int) -> None:
    texts = (
        f"Revenue rose {percent}% in FY2012.",
        f"Revenue rose {percent}% [E69, E70].",
        f"Cash is {percent}% of total assets [E77, E78].",
        f"The shares are {percent}% below their peak.",
    )
    for text in texts:
        assert check(text, SNAPSHOT)[0].label not in {Label.MATCHED, Label.DERIVED}, text


@pytest.mark.parametrize(
    "what",
    [
        "Adjusted EPS was", "iPhone revenue was", "The opening price was", "The oil price was", "The day's high was",
        "Retained earnings were", "At the open, Apple traded at", "Net cash was", "Nobody disputes that EPS was",
        "In June the stock closed at", "On Friday Apple closed at", "On 3 December Apple closed at",
        "Two years ago the stock closed at", "A month ago Apple closed at", "In the fourth quarter revenue was",
        "Quarterly revenue was", "In the December quarter Apple earned", "Nine-month net income was",
    ],
)  # fmt: skip
def test_a_figure_of_something_else_is_neither_green_nor_red(what: str) -> None:
    for amount in ("$36.01bn", "$517.33"):
        (figure,) = check(f"{what} {amount}.", SNAPSHOT)
        assert figure.label is Label.UNSUPPORTED


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("In September the shares peaked at $702.10.", Label.MATCHED),
        ("On Monday Apple closed at $532.17.", Label.MATCHED),
        ("The euro bought $1.2939 one year ago.", Label.MATCHED),
        ("Revenue more than doubled [E69, E71].", Label.CONSISTENT),
        ("Net income was a quarter of revenue [E72, E69].", Label.CONSISTENT),
        ("Net income tripled in FY2012.", Label.CONTRADICTED),
        ("A P/E of 15x is the market's.", Label.UNSUPPORTED),
        ("Apple has a P/E of 15x.", Label.CONTRADICTED),
        ("Is revenue of $200bn possible?", Label.ASSUMPTION),
        ("Apple closed at $532.17, so the market doubts that these earnings last.", Label.MATCHED),
        ("Apple closed at $512.17, so the market doubts that these earnings last.", Label.CONTRADICTED),
        ("Apple closed at $532.17, so the market doubts it.", Label.UNSUPPORTED),
        ("Apple earned a lot, so I doubt that Apple closed at $532.17.", Label.UNSUPPORTED),
    ],
)
def test_what_a_figure_is_said_of_decides_its_label(text: str, label: Label) -> None:
    assert [figure.label for figure in check(text, SNAPSHOT)] == [label]


def test_the_subject_of_the_sentence_before_is_meant() -> None:
    labels = [
        figure.label for figure in check("Google is the larger one. Its RSI of 55.2 is neutral.", SNAPSHOT)
    ]
    assert labels == [Label.MATCHED]


@pytest.mark.parametrize("cited", ["[E999]", "[E1, E999]", "[E0]", "[E77777]"])
def test_an_id_that_does_not_exist_supports_nothing(cited: str) -> None:
    (figure,) = check(f"It closed at $532.17 {cited}.", SNAPSHOT)
    assert (figure.label, figure.evidence) == (Label.UNSUPPORTED, ())


def test_only_so_many_figures_are_checked() -> None:
    found = check("Revenue was $156.5bn. " * (MAX_FIGURES + 50), SNAPSHOT)
    assert [figure.label for figure in found] == [Label.MATCHED] * MAX_FIGURES + [Label.UNCHECKED] * 50


WORDS = [
    "revenue", "Apple", "RSI", "fell", "FY2012", "million", "bn", "per cent", "from", "to", "Google's",
    "52-week", "high", "[E3]", "½",
    "twenty", "亿", "٣", "\u200b", "Q3", "|", "\n", "$", "1", "9", ".", ",", "%", "-", "(", "below", "its",
    "doubled", "respectively",
]  # fmt: skip


@given(parts=st.lists(st.sampled_from(WORDS), max_size=80), separator=st.sampled_from(["", " "]))
def test_no_text_makes_it_fail(parts: list[str], separator: str) -> None:
    text = separator.join(parts)
    for figure in check(text, SNAPSHOT):
        assert text[figure.start : figure.end] == figure.text


HOSTILE = [
    "1 to ", "$1,", "1", "1,", "1 ", "[E1]", "[E1,E2,", "5% ", "twenty ", "$1bn ", "RSI of 71, ", "RSI 71\n",
    "| a | 17 |\n", "Apple's ",
    "Ab ", "12 March 2012 ", "(", "٣", "５", "½", "a", "-", "Q1 2012 ", "revenue ", "from 1.5% to 2.5% ",
    "million ", "1.2.", "FY12 ",
    "revenue of $156.5bn in FY2012 fell 5% to ", "\u200b1",
]  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_a_hostile_text_takes_time_in_proportion(part: str) -> None:
    assert seconds(part, 16_000) < 12 * seconds(part, 4_000) + 0.02
    # Within one sentence that is short enough to be read.
    assert seconds(part, MAX_SENTENCE) < 12 * seconds(part, MAX_SENTENCE // 4) + 0.02


def test_only_so_many_figures_of_one_sentence_are_checked() -> None:
    said = "Apple closed at " + " and ".join(["$532.17"] * (MAX_CLAIMS + 10))
    labels = [figure.label for figure in check(said, SNAPSHOT)]
    assert len(labels) == MAX_CLAIMS + 10
    assert labels[0] is Label.MATCHED
    assert Label.UNCHECKED not in labels[:MAX_CLAIMS]
    assert {*labels[MAX_CLAIMS:]} == {Label.UNCHECKED}


def test_a_country_is_not_matched_by_the_figure_of_another() -> None:
    rate = {"metric": "policy_rate", "period": "2013-05", "unit": "percent"}
    record = load(
        [
            {**rate, "id": "E1", "subject": "US", "value": "0.11"},
            {**rate, "id": "E2", "subject": "EA", "value": "0.5"},
        ]
    )
    said = {
        "The policy rate of the euro area was 0.50% [E2].": Label.MATCHED,
        "The US policy rate was 0.50% [E2].": Label.CONTRADICTED,
        "The US policy rate was 0.11% [E1].": Label.MATCHED,
    }
    assert {text: check(text, record)[0].label for text in said} == said


def seconds(part: str, length: int) -> float:
    text = (part * length)[:length]
    checker = Checker(*PREPARED)
    # Without the garbage of the tests before.
    return timeit(lambda: checker.text(text), timer=time.process_time, number=1)
