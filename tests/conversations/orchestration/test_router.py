"""Who answers a question: a person's choice, rules, the supervisor through a real HTTP stand-in, the default."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from conversations.domain.enums import RoutedBy
from conversations.domain.events import AgentMessage, Complete, MessageDiscard, Routing
from conversations.orchestration import router
from conversations.orchestration.router import route
from conversations.providers import circuit_breaker
from conversations.providers.catalog import DEMO, Provider, parse
from tests.conversations.domain.test_routing import QUESTIONS
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import Fault, Reply, calls, fails, says
from tests.support.held import debate, hold, only
from tests.support.ports import NoLimit

DEBATE, ASSISTANT = "financial-debate", "general-assistant"
UNCLEAR = "Who are you?"


def chooses(team: str, percent: float = 90, reason: str = "It is small talk.") -> Reply:
    return says(json.dumps({"team": team, "reason": reason, "confidence_percent": percent}))


async def routed(question: str, *servers: OpenAIServer | Provider) -> Routing:
    state = debate(*servers).state
    state.is_automatic, state.question = True, replace(state.question, topic=question)
    return await route(state, NoLimit())


async def test_labelled_questions_reach_their_team_with_one_call_at_most(openai: OpenAIServer) -> None:
    wrong = []
    for question, panel in QUESTIONS:
        openai.forget()
        openai.answer(chooses(panel))
        found = await routed(question, openai)
        assert len(openai.asked) == (found.by is RoutedBy.SUPERVISOR)
        if found.panel != panel:
            wrong.append(question)
    assert len(wrong) <= 3, wrong


async def test_a_persons_choice_is_not_questioned(openai: OpenAIServer) -> None:
    routing = await route(debate(openai).state, NoLimit())
    assert (routing.panel, routing.reason, routing.by) == (DEBATE, "chosen_at_start", RoutedBy.PERSON)
    assert not openai.asked


async def test_the_supervisor_chooses_where_no_rule_does(openai: OpenAIServer) -> None:
    openai.answer(chooses(ASSISTANT, 82.5))
    found = await routed(UNCLEAR, openai)
    assert (found.panel, found.by, found.confidence) == (ASSISTANT, RoutedBy.SUPERVISOR, Decimal("0.825"))
    assert found.reason == "It is small talk."
    assert found.usage is not None
    assert found.usage.input_tokens == 120
    form = json.dumps(openai.asked[0].body["response_format"])
    assert DEBATE in form
    assert ASSISTANT in form


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ([chooses(ASSISTANT, 59)], "The supervisor was not sure: It is small talk."),
        ([says("Hm."), says("Hm.")], "The supervisor gave no valid answer."),
        ([chooses("astrologers")] * 2, "The supervisor gave no valid answer."),
        ([fails(500)], "The supervisor did not answer."),
    ],
)
async def test_without_a_sure_choice_the_default_team_answers(
    openai: OpenAIServer, replies: list[Reply], reason: str
) -> None:
    openai.answer(*replies)
    found = await routed(UNCLEAR, openai)
    assert (found.panel, found.by, found.reason) == (DEBATE, RoutedBy.DEFAULT, reason)


async def test_a_model_that_failed_is_asked_neither_for_a_team_nor_for_the_first_turn(
    openai: OpenAIServer,
) -> None:
    openai.answer(fails(429, retry_after=300))
    async with OpenAIServer(model="second") as second:
        assert (await routed(UNCLEAR, openai, second)).by == RoutedBy.DEFAULT
        assert not second.asked
        second.answer(chooses(ASSISTANT))
        held = debate(openai, second)
        held.state.is_automatic, held.state.question = True, replace(held.state.question, topic=UNCLEAR)
        await hold(held)
        assert len(openai.asked) == 1
        assert len(second.asked) == 2


async def test_a_stalled_supervisor_is_not_waited_for(
    openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router, "PATIENCE", 0.2)
    openai.answer(says("{", fault=Fault.HANG))
    found = await routed(UNCLEAR, openai)
    assert (found.panel, found.reason) == (DEBATE, "The supervisor did not answer.")
    # A slow choice is no reason not to let the model speak.
    assert circuit_breaker.statuses([parse(openai.provider)])[0].state == "closed"


async def test_an_invalid_choice_may_be_mended_once(openai: OpenAIServer) -> None:
    openai.answer(says("The assistant."), chooses(ASSISTANT))
    assert (await routed(UNCLEAR, openai)).panel == ASSISTANT


@pytest.mark.parametrize("provider", [parse("local"), DEMO])
async def test_what_is_only_for_trying_does_not_choose(provider: Provider) -> None:
    found = await routed(UNCLEAR, provider)
    assert (found.panel, found.by) == (DEBATE, RoutedBy.DEFAULT)
    assert (await routed("What is 15% of 850?", provider)).panel == ASSISTANT


async def test_the_cost_of_the_choice_is_part_of_the_whole(openai: OpenAIServer) -> None:
    openai.answer(chooses(ASSISTANT), calls(("calculate", {"expression": "2 + 2"})), says("4 [E1]."))
    held = debate(openai)
    held.state.is_automatic, held.state.question = True, replace(held.state.question, topic=UNCLEAR)
    events = await hold(held)
    assert [event.type for event in events][:2] == ["status", "routing"]
    assert [said.agent for said in only(AgentMessage, events)] == ["Assistant"]
    assert not only(MessageDiscard, events)
    # The supervisor's call, and two of the assistant.
    assert only(Complete, events)[0].cost_summary.input_tokens == 360
