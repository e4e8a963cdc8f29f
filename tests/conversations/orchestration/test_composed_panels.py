"""Panels that people have composed: agents with models of their own, and with or without a judge."""

from dataclasses import replace

import pytest

from conversations.domain.events import AgentMessage, Complete, Fallback, MessageStart, ToolEnd
from conversations.domain.panels import FINANCIAL_DEBATE, Agent, Panel
from conversations.orchestration.assignment import Assignment
from conversations.providers.catalog import parse
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import calls, fails, refuses, says
from tests.support.held import debate, hold, only

VALUE = Agent("agent_1", "Value", "You are Value.", tools=("calculate",))
MACRO = Agent("agent_2", "Macro", "You are Macro.", streaming=False, temperature=0.4)
SUM = ("calculate", {"expression": "15% of 850"})


def composed(first: OpenAIServer, second: OpenAIServer, *, judge: bool = False) -> Assignment:
    """Value speaks with the site's first model, Macro with the second one."""
    held = debate(first, second)
    macro = replace(MACRO, model=parse(second.provider).label)
    moderator = FINANCIAL_DEBATE.moderator if judge else None
    held.state.panel = Panel("composed", "Composed", "", (VALUE, macro), moderator)
    return held


async def test_each_agent_speaks_with_its_own_model(openai: OpenAIServer) -> None:
    async with OpenAIServer(model="other") as other:
        openai.answer(calls(SUM), says("It is ", "127.5 [E1]."))
        other.answer(says("So be it."))
        events = await hold(composed(openai, other))
    said, starts = only(AgentMessage, events), only(MessageStart, events)
    assert [(each.agent, each.model, each.content, each.kind) for each in said] == [
        ("Value", "stand-in", "It is 127.5 [E1].", "analysis"),
        ("Macro", "other", "So be it.", "final"),
    ]
    assert [each.streaming for each in starts] == [True, False]
    assert [each.body.get("temperature") for each in (*openai.asked, *other.asked)] == [None, None, 0.4]
    assert only(ToolEnd, events)[0].output == "15% of 850 = 127.5 [E1]"
    [complete] = only(Complete, events)
    assert (complete.verdict, complete.reason) == ("no_verdict", "not_a_debate")


@pytest.mark.parametrize("judge", [False, True])
async def test_the_site_s_models_replace_one_that_fails(openai: OpenAIServer, judge: bool) -> None:
    async with OpenAIServer(model="other", default=fails(500)) as other:
        events = await hold(composed(openai, other, judge=judge))
    [fallback] = only(Fallback, events)
    assert (fallback.from_, fallback.to) == ("openai-compatible:other", "openai-compatible:stand-in")
    assert [each.model for each in only(AgentMessage, events)] == ["stand-in"] * (2 + judge)
    assert (only(Complete, events)[0].verdict == "no_verdict") is not judge


async def test_a_model_without_a_choice_of_temperature_speaks_without(openai: OpenAIServer) -> None:
    async with OpenAIServer(model="other") as other:
        other.answer(refuses("'temperature' does not support 0.4 with this model."))
        events = await hold(composed(openai, other))
    assert [each.model for each in only(AgentMessage, events)] == ["stand-in", "other"]
    assert [each.body.get("temperature") for each in other.asked] == [0.4, None]
