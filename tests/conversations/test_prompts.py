"""What a speaker is told of people. How it sounds to a real model's provider: test_people.py."""

import pytest

from conversations.panels import PANELS, Agent
from conversations.people import Remark
from conversations.prompts import Prompt, Question, Spoken, Task, build
from conversations.providers import Provider, parse

PANEL = PANELS["financial-debate"]
SPOKEN = [
    Spoken(
        "financial_analyst", "Financial Analyst", 1, "The cash flow of the company is strong and it grows."
    ),
    Spoken("market_context", "Market Context", 1, "Competitors cut their prices while investors look away."),
]
REMARK = Remark(9, "alice", "Nobody has said a word about the debt of the company yet.", place=1)


def prompt(provider: Provider, agent: Agent, unanswered: list[Remark]) -> Prompt:
    question = Question("Should we buy Tarnwick?", "", "text", 2)
    return build(Task(agent, 1, question, SPOKEN, [REMARK], unanswered), provider)


def test_the_local_model_answers_a_remark_in_its_short_prompt() -> None:
    asked = prompt(parse("local"), PANEL.speakers[2], [REMARK])
    assert asked.message.endswith(f'alice says: "{REMARK.text}"\nAnswer alice.')
    assert '"To answer alice, "' in asked.sampling["extra_body"]["grammar"]


def test_the_local_model_need_not_answer_what_was_answered() -> None:
    assert "alice" not in prompt(parse("local"), PANEL.speakers[2], []).message


def test_the_local_moderator_reads_a_remark_in_its_place() -> None:
    lines = prompt(parse("local"), PANEL.moderator, []).message.splitlines()
    assert [line.partition(":")[0] for line in lines[1:4]] == ["Financial Analyst", "alice", "Market Context"]


@pytest.mark.parametrize(
    ("entry", "may"), [("local", False), ("demo", False), ("openai:gpt-5-mini", True), ("gemini:x", True)]
)
def test_models_that_cannot_call_tools_are_not_offered_any(entry: str, may: bool) -> None:
    question = Question("Should we buy Tarnwick?", "", "text", 2)
    tasks = [Task(agent, 1, question, []) for agent in (*PANEL.speakers, PANEL.moderator)]
    assert [task.may_ask(parse(entry)) for task in tasks] == [may, False, may, False]
