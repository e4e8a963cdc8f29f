"""Steering a debate: a message to one agent, a question that is skipped, and the verdict before the last round."""

import asyncio

import pytest
from django.contrib.auth.models import User

from conversations.domain import requests
from conversations.domain.errors import Conflict, InvalidInput
from conversations.models import Conversation
from conversations.runs import supervisor
from conversations.services import debates as services
from tests.fakes.openai_server import Exchange, OpenAIServer
from tests.fakes.replies import asks, says
from tests.fakes.waiting import Gate
from tests.support import debates
from tests.support.debates import lapse, statuses

pytestmark = pytest.mark.django_db(transaction=True)

TO_YOU = 'A person has just said to you:\n{"person": "alice", "text": "Is the debt due?"}\nAnswer this person first.'


@pytest.fixture
def conversation(alice: User, openai: OpenAIServer) -> Conversation:
    return debates.create(alice, rounds=2)


async def say(person: User, conversation: Conversation, text: str | None, **fields: str | None) -> None:
    await services.say(person, conversation.pk, requests.Input.parse({"text": text, **fields}))


async def conclude(person: User, conversation: Conversation) -> None:
    await services.control(person, conversation.pk, requests.Command.parse({"action": "conclude"}))


def last_requests(openai: OpenAIServer, agent: str) -> list[str]:
    def told(exchange: Exchange) -> str:
        text: str = exchange.messages[-1]["content"]
        return text

    return [told(exchange) for exchange in openai.asked if exchange.agent == agent]


async def begin(
    conversation: Conversation, openai: OpenAIServer, agent: str
) -> "tuple[asyncio.Task[None], Gate]":
    """A run that stands in the agent's first turn."""
    gate = Gate()
    openai.answer(says("One.", gate=gate), to=agent)
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    return run, gate


# To one agent


async def test_a_message_to_one_agent_is_answered_in_its_next_turn(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    run, gate = await begin(conversation, openai, "Risk Challenger")
    await say(alice, conversation, "Is the debt due?", to="Market Context")
    gate.open()
    await run
    [first, second] = last_requests(openai, "Market Context")
    assert TO_YOU not in first
    assert second.endswith(TO_YOU)
    # The agent before it hears the message, and does not answer it; nor does anybody after it.
    heard = '{"person": "alice", "to": "market_context", "text": "Is the debt due?"}'
    [_, analyst] = last_requests(openai, "Financial Analyst")
    assert heard in analyst
    for later in (analyst, last_requests(openai, "Risk Challenger")[-1], *last_requests(openai, "Moderator")):
        assert "has just said" not in later
    assert (await debates.state(conversation))["humans"][0]["to"] == "market_context"


async def test_a_message_to_an_agent_without_a_turn_is_weighed_by_the_moderator(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    await Conversation.objects.filter(pk=conversation.pk).aupdate(rounds=1)
    run, gate = await begin(conversation, openai, "Risk Challenger")
    await say(alice, conversation, "Is the debt due?", to="financial_analyst")
    gate.open()
    await run
    [moderator] = last_requests(openai, "Moderator")
    assert moderator.endswith('{"person": "alice", "text": "Is the debt due?"}\nWeigh it.')


async def test_a_message_to_one_agent_is_still_open_after_a_restart(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    run, _ = await begin(conversation, openai, "Risk Challenger")
    await say(alice, conversation, "Is the debt due?", to="market_context")
    run.cancel()
    await asyncio.wait([run])
    await lapse(conversation)
    await supervisor.run(conversation.pk)
    assert last_requests(openai, "Market Context")[-1].endswith(TO_YOU)


async def test_a_message_to_nobody_of_the_panel_is_refused(alice: User, conversation: Conversation) -> None:
    with pytest.raises(InvalidInput) as refused:
        await say(alice, conversation, "Hello.", to="Economist")
    [problem] = refused.value.problems
    assert (problem.field, problem.rule) == ("to", "unknown_agent")
    assert "market_context" in problem.message
    assert (await debates.state(conversation))["humans"] == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"text": None}, ("text", "string_type")),
        ({"text": "Yes.", "to": "moderator", "reply_to": "0" * 32}, ("to", "not_both")),
    ],
)
def test_what_contradicts_itself_is_refused(fields: dict[str, str | None], problem: tuple[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        requests.Input.parse(fields)
    assert [(each.field, each.rule) for each in refused.value.problems] == [problem]


# A question that is skipped


async def test_a_skipped_question_lets_the_debate_go_on_at_once(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    openai.answer(
        asks("Which horizon?", after=["Let ", "me ask 🙂."]), says("Then hold."), to="Financial Analyst"
    )
    run = supervisor.launch(conversation.pk)
    await debates.until_stored(conversation, "status", status="awaiting_input")
    [request] = (await debates.state(conversation))["requests"]
    assert request["offset"] == len("Let me ask 🙂.")
    await say(alice, conversation, None, reply_to=request["request"])
    await run
    [request] = (await debates.state(conversation))["requests"]
    assert (request["state"], request["skipped_by"]) == ("expired", "alice")
    assert openai.asked[1].messages[-1]["content"].startswith("The person has skipped your question")
    with pytest.raises(Conflict):
        await say(alice, conversation, "Five years.", reply_to=request["request"])


# The verdict now


async def test_conclude_ends_the_debate_after_the_current_turn_with_a_verdict(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    run, gate = await begin(conversation, openai, "Market Context")
    await conclude(alice, conversation)
    gate.open()
    await run
    state = await debates.state(conversation)
    assert [message["role"] for message in state["messages"]] == [
        "financial_analyst", "market_context", "moderator",
    ]  # fmt: skip
    assert (state["status"], state["reason"]) == ("completed", "concluded")
    assert (state["complete"]["verdict"], state["complete"]["reason"]) == ("buy", None)
    rows = await debates.rows(conversation)
    assert statuses(rows) == ["queued", "initializing", "active", "active", "completed"]


async def test_conclude_waits_neither_for_an_answer_nor_for_a_pause(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    openai.answer(asks("Which horizon?"), says("Then hold."), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    await debates.until_stored(conversation, "status", status="awaiting_input")
    await services.control(alice, conversation.pk, requests.Command.parse({"action": "pause"}))
    await debates.until_stored(conversation, "status", status="paused")
    await conclude(alice, conversation)
    await run
    state = await debates.state(conversation)
    assert [message["role"] for message in state["messages"]] == ["financial_analyst", "moderator"]
    assert (state["requests"][0]["skipped_by"], state["complete"]["verdict"]) == ("alice", "buy")


async def test_conclude_before_the_first_turn_lets_it_be_spoken(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    await conclude(alice, conversation)
    await supervisor.run(conversation.pk)
    roles = [message["role"] for message in (await debates.state(conversation))["messages"]]
    assert roles == ["financial_analyst", "moderator"]


async def test_conclude_holds_after_a_restart(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    run, _ = await begin(conversation, openai, "Market Context")
    await conclude(alice, conversation)
    run.cancel()
    await asyncio.wait([run])
    await lapse(conversation)
    await supervisor.run(conversation.pk)
    state = await debates.state(conversation)
    done = [message["role"] for message in state["messages"] if message["state"] == "done"]
    assert done == ["financial_analyst", "moderator"]
    assert state["reason"] == "concluded"
