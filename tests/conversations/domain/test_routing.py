"""Routing by rules, on the project's own labelled questions (docs/teams.md has the figures)."""

import json
from pathlib import Path

import pytest

from conversations.domain.routing import decide

QUESTIONS: list[tuple[str, str]] = [
    (question, panel)
    for question, panel in json.loads(
        (Path(__file__).parent / "routing_questions.json").read_text(encoding="utf-8")
    )
]


def test_rules_decide_most_questions_and_rarely_wrongly() -> None:
    decided = [(question, panel, found) for question, panel in QUESTIONS if (found := decide(question))]
    wrong = [(question, found) for question, panel, found in decided if found.panel != panel]
    assert len(QUESTIONS) == 60
    # What is left is the supervisor's. A scripted one is always right, so the rest of 95 % is the rules'.
    assert len(wrong) <= 3, wrong
    assert len(decided) >= 45, [question for question, _ in QUESTIONS if decide(question) is None]


@pytest.mark.parametrize(
    ("question", "given", "panel"),
    [
        ("What is 15% of 850?", {"instrument": "AAPL"}, "financial-debate"),
        ("What is 15% of 850?", {"has_text": True}, "general-assistant"),
        ("What does it say?", {"has_text": True}, "financial-debate"),
        ("What is 15% of 850?", {"instrument": "AAPL", "has_data": True}, "data-team"),
        ("And Marlow?", {"follows": True}, "financial-debate"),
        ("Hello", {}, None),
    ],
)
def test_what_is_given_decides(question: str, given: dict[str, object], panel: str | None) -> None:
    found = decide(question, **given)  # type: ignore[arg-type]
    assert (None if found is None else found.panel) == panel


def test_a_reason_is_a_sentence_for_people() -> None:
    found = decide("Is Apple cheap?")
    assert found is not None
    assert found.reason == "The question is about Apple."
