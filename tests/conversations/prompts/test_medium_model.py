"""How the larger local model is asked: with facts of the record in whole statements, and freely."""

import pytest

from conversations.domain.panels import FINANCIAL_DEBATE
from conversations.orchestration.verdict import VerdictAnswer, form_of
from conversations.prompts.builder import Task, build
from conversations.prompts.material import DebateQuestion
from conversations.prompts.medium_model import MAX_FACTS
from conversations.prompts.spoken import Spoken
from conversations.providers.catalog import parse
from evidence.freezing.freeze import freeze
from evidence.instruments import resolve
from tests.evidence.snapshots import APPLE_2012

# Nothing here depends on what differs between versions of Python or Django.
pytestmark = pytest.mark.anywhere

CODER = parse("local:qwen2.5-coder-1.5b")
ANALYST = FINANCIAL_DEBATE.speakers[0]
SAID = [
    Spoken(
        "risk_challenger", "Risk Challenger", "Volatility is 39.6% [E11]. That calls for a small position."
    )
]


def test_it_is_given_facts_with_citations_and_no_grammar() -> None:
    question = DebateQuestion(
        APPLE_2012.question, "", "text", 2, record=freeze(resolve(APPLE_2012.symbol), APPLE_2012.as_of)
    )
    prompt = build(Task(ANALYST, 2, question, SAID), CODER, 32_000)

    lines = prompt.message.splitlines()
    facts = [line for line in lines if line.startswith("- ")]
    assert len(facts) == MAX_FACTS
    assert all("[E" in fact for fact in facts)
    assert 'Risk Challenger says: "Volatility is 39.6%. That calls for a small position."' in lines
    assert set(prompt.items) == {id_ for fact in facts for id_ in _cited(fact)}
    assert "grammar" not in prompt.sampling["extra_body"]
    assert len(prompt.system) + len(prompt.message) < 2_000


def _cited(fact: str) -> list[str]:
    return fact.partition("[")[2].partition("]")[0].split(", ") + (
        fact.rpartition("[")[2].partition("]")[0].split(", ")
    )


def test_without_a_record_it_is_given_the_material() -> None:
    question = DebateQuestion("Should we buy Tarnwick?", "Orders rose 17%.", "text", 2)
    prompt = build(Task(ANALYST, 1, question, []), CODER, 32_000)

    assert "Material: Orders rose 17%." in prompt.message
    assert "Facts" not in prompt.system.replace("Facts, the question", "")
    assert prompt.items == ()


def test_it_is_asked_for_no_stance() -> None:
    assert form_of(CODER).schema is not VerdictAnswer
    assert CODER.label == "local:qwen2.5-coder-1.5b"
