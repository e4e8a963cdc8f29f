"""People in a debate: who interjects is answered next, and who is asked has time to answer."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from conversations.agents.reply import MAX_TOOL_CALLS
from conversations.agents.reply import Reply as AgentReply
from conversations.domain import requests, transcript
from conversations.domain.errors import Conflict
from conversations.domain.events import HumanMessage
from conversations.event_log import appender, commands
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.runs import supervisor
from conversations.services import debates as services
from tests.fakes.openai_server import Exchange, OpenAIServer
from tests.fakes.replies import Reply, asks, fails, says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate
from tests.support import debates
from tests.support.clock import advance
from tests.support.debates import cut, lapse, statuses

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Which horizon do you have in mind?"


@pytest.fixture
def conversation(alice: User, openai: OpenAIServer) -> Conversation:
    return debates.create(alice)


async def say(person: User, conversation: Conversation, text: str, reply_to: str | None = None) -> None:
    await services.say(person, conversation.pk, requests.Input.parse({"text": text, "reply_to": reply_to}))


async def command(person: User, conversation: Conversation, action: str) -> None:
    await services.control(person, conversation.pk, requests.Command.parse({"action": action}))


def asked(openai: OpenAIServer, agent: str) -> list[Exchange]:
    return [exchange for exchange in openai.asked if exchange.agent == agent]


def speaker(name: str, text: str) -> str:
    return f'{{"speaker": "{name}", "text": "{text}"}}'


def person(text: str) -> str:
    return f'{{"person": "alice", "text": "{text}"}}'


# What the agent that asked is told, and what the others hear.
ANSWERED = '{"person": "alice", "answer": "Five years."}'
HEARD = '{"person": "alice", "asked_by": "Financial Analyst", "text": "Five years."}'


def last_request(exchange: Exchange) -> str:
    text: str = exchange.messages[-1]["content"]
    return text


async def request_of(conversation: Conversation) -> str:
    """The id of the question that is asked, once it is stored."""
    await debates.until_stored(conversation, "status", status="awaiting_input")
    return str(
        [data for _, type_, data in await debates.rows(conversation) if type_ == "input_request"][-1][
            "request"
        ]
    )


async def asked_before_a_restart(conversation: Conversation) -> str:
    """Run the debate up to its question, and hand it over as a server does that stops; the question's id."""
    supervisor.launch(conversation.pk)
    request = await request_of(conversation)
    await supervisor.hand_over()
    return request


@pytest.fixture
def late_expiry(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """No question expires before this is set, whatever its deadline."""
    allowed, expire = asyncio.Event(), commands.expire

    async def late(*args: Any) -> None:
        await allowed.wait()
        await expire(*args)

    monkeypatch.setattr(commands, "expire", late)
    return allowed


# Interjections


async def test_what_the_owner_says_during_a_turn_is_answered_by_the_next_speaker(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    gate.let()
    await debates.until_stored(conversation, "token", text="One ")
    await say(alice, conversation, "What about the debt?")
    gate.open()
    await run
    [context], [challenger], [moderator] = (
        asked(openai, name) for name in ("Market Context", "Risk Challenger", "Moderator")
    )
    # After the turn during which it came, under the person's name.
    assert f"{speaker('Financial Analyst', 'One two.')}\n\n{person('What about the debt?')}" in last_request(
        context
    )
    assert last_request(context).endswith(
        f"A person has just said to the panel:\n{person('What about the debt?')}\nAnswer this person first."
    )
    # Only the next one has to answer; the others have heard it.
    for later in (challenger, moderator):
        assert f'{person("What about the debt?")}\n\n{{"speaker": "Market Context"' in last_request(later)
        assert "has just said" not in last_request(later)


async def test_what_is_said_before_the_first_turn_is_answered_in_it(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    await say(alice, conversation, "Mind the debt.")
    await supervisor.run(conversation.pk)
    assert person("Mind the debt.") in last_request(openai.asked[0])
    assert "Answer this person first." in last_request(openai.asked[0])


async def test_what_is_said_at_the_end_reaches_the_moderator(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("Last.", gate=gate), to="Risk Challenger")
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    await say(alice, conversation, "Mind the debt.")
    gate.open()
    await run
    [moderator] = asked(openai, "Moderator")
    assert f"{speaker('Risk Challenger', 'Last.')}\n\n{person('Mind the debt.')}" in last_request(moderator)
    assert last_request(moderator).endswith(
        f"A person has just said to the panel:\n{person('Mind the debt.')}\nWeigh it."
    )


async def test_after_a_cut_a_remark_stands_where_it_stood_and_is_still_to_be_answered(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    gates = {name: Gate() for name in ("Financial Analyst", "Market Context")}
    for name, gate in gates.items():
        openai.answer(says(f"{name} ", "said.", gate=gate), to=name)
    run = supervisor.launch(conversation.pk)
    gate = gates["Financial Analyst"]
    await gate.reached(1)
    await say(alice, conversation, "First remark.")
    gate.open()
    gate = gates["Market Context"]
    await gate.reached(1)
    gate.let()
    await debates.until_stored(conversation, "token", text="Market Context ")
    await say(alice, conversation, "Second remark.")
    run.cancel()
    await asyncio.wait([run])
    await lapse(conversation)
    await supervisor.run(conversation.pk)
    again = last_request(asked(openai, "Market Context")[-1])
    # The turn that was cut is no place: both came after the one that stands, and neither has been answered.
    assert (
        "\n\n".join(
            [
                speaker("Financial Analyst", "Financial Analyst said."),
                person("First remark."),
                person("Second remark."),
            ]
        )
        in again
    )
    assert again.count("Answer this person first.") == 2
    after = last_request(asked(openai, "Risk Challenger")[-1])
    assert f'{person("Second remark.")}\n\n{{"speaker": "Market Context"' in after
    assert "has just said" not in after


async def test_a_long_remark_is_repeated_only_in_part(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    text = "word " * 700
    await say(alice, conversation, text)
    await supervisor.run(conversation.pk)
    assert last_request(openai.asked[0]).count("word") < 800
    assert person(text.strip()) in last_request(openai.asked[0])


# An agent asks


async def test_an_agent_asks_waits_and_goes_on_with_the_answer(
    alice: User, conversation: Conversation, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_INPUT_TIMEOUT_SECONDS = 77
    openai.answer(asks(QUESTION, after=["Let ", "me ask."]), says("Then ", "buy."), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    request = await request_of(conversation)
    assert len(openai.asked) == 1
    await say(alice, conversation, "Five years.", request)
    await run
    state = await debates.state(conversation)
    [asked_] = state["requests"]
    first = state["messages"][0]
    assert (asked_["prompt"], asked_["agent"], asked_["timeout"], asked_["state"]) == (
        QUESTION, "Financial Analyst", 77, "answered",
    )  # fmt: skip
    assert asked_["message"] == first["id"]
    assert first["text"] == "Let me ask.\n\nThen buy."
    assert first["tokens"] == 4
    assert state["tools"] == []
    assert state["humans"] == [{"author": "alice", "text": "Five years.", "reply_to": request, "to": None}]
    rows = await debates.rows(conversation)
    assert statuses(rows) == ["queued", "initializing", "active", "awaiting_input", "active", "completed"]
    # The model got it as its tool's result, and the others hear what was asked of whom.
    told = openai.asked[1].messages[-1]
    assert (told["role"], told["content"]) == ("tool", ANSWERED)
    [context] = asked(openai, "Market Context")
    assert HEARD in last_request(context)
    assert "has just said" not in last_request(context)


async def test_a_question_that_nobody_answers_expires_and_the_agent_goes_on(
    conversation: Conversation, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_INPUT_TIMEOUT_SECONDS = 0.05
    openai.answer(asks(QUESTION), says("Then hold."), to="Financial Analyst")
    await supervisor.run(conversation.pk)
    rows = await debates.rows(conversation)
    assert transcript.fold(rows)["requests"][0]["state"] == "expired"
    assert statuses(rows) == ["queued", "initializing", "active", "awaiting_input", "active", "completed"]
    assert openai.asked[1].messages[-1]["content"] == "Nobody answered in time; go on without an answer."


async def test_a_person_who_thinks_is_not_a_silent_model(
    alice: User, conversation: Conversation, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_FIRST_TOKEN_SECONDS = settings.OUTCRY_STALL_SECONDS = 1.0
    openai.answer(asks(QUESTION, "And in which currency?"), says("Then hold."), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    request = await request_of(conversation)
    # Longer than a model may be silent.
    await advance(1.5)
    await say(alice, conversation, "Five years.", request)
    await run
    assert (await debates.fresh(conversation)).status == "completed"


async def test_an_agent_asks_once_a_turn(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    openai.answer(
        asks(QUESTION, "And in which currency?"), asks("Really?"), says("Then buy."), to="Financial Analyst"
    )
    run = supervisor.launch(conversation.pk)
    await say(alice, conversation, "Five years.", await request_of(conversation))
    await run
    assert len((await debates.state(conversation))["requests"]) == 1
    answers = [said["content"] for said in openai.asked[2].messages if said["role"] == "tool"]
    # Of the two that were asked side by side, either one may be first.
    refused = [answer.startswith("You have asked already") for answer in answers]
    assert (sorted(refused[:2]), refused[2:]) == ([False, True], [True])


@pytest.mark.parametrize(
    ("question", "prompt"),
    [("  Which?\0 ", "Which?\ufffd"), ("x" * 1_200, "x" * 1_000), ("\ud800 When?", "\ufffd When?")],
)
async def test_a_question_is_cleaned_and_cut(
    alice: User, conversation: Conversation, openai: OpenAIServer, question: str, prompt: str
) -> None:
    openai.answer(asks(question), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    await say(alice, conversation, "This one.", await request_of(conversation))
    await run
    assert (await debates.state(conversation))["requests"][0]["prompt"] == prompt


async def test_a_blank_question_is_none(conversation: Conversation, openai: OpenAIServer) -> None:
    openai.answer(asks("  "), to="Financial Analyst")
    await supervisor.run(conversation.pk)
    assert (await debates.state(conversation))["requests"] == []


@pytest.mark.parametrize("tool", ["ask_the_owner", "no_such_tool"])
async def test_a_model_that_only_calls_tools_comes_to_an_end(
    conversation: Conversation, openai: OpenAIServer, settings: Settings, tool: str
) -> None:
    settings.OUTCRY_INPUT_TIMEOUT_SECONDS = 0.05
    openai.default = Reply((), calls=[(tool, '{"question": "Which?"}')], finish_reason="tool_calls")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await supervisor.run(conversation.pk)
    assert (await debates.fresh(conversation)).reason == "provider_looped"
    assert len(openai.asked) == MAX_TOOL_CALLS + 1


async def test_a_tools_name_is_cleaned_and_cut(conversation: Conversation, openai: OpenAIServer) -> None:
    call = ("no\0" + "x" * 200, "{}")
    openai.answer(Reply((), calls=[call], finish_reason="tool_calls"), to="Financial Analyst")
    await supervisor.run(conversation.pk)
    [tool] = (await debates.state(conversation))["tools"]
    assert (tool["tool"], tool["error"]) == ("no\ufffd" + "x" * 97, "tool_not_found")


async def test_only_those_who_may_ask_get_the_tool(conversation: Conversation, openai: OpenAIServer) -> None:
    await supervisor.run(conversation.pk)
    offered = {
        exchange.agent: [tool["function"]["name"] for tool in exchange.body.get("tools") or []]
        for exchange in openai.asked
    }
    assert offered == {
        "Financial Analyst": ["ask_the_owner"],
        "Market Context": [],
        "Risk Challenger": ["ask_the_owner"],
        "Moderator": [],
    }


async def test_a_model_that_takes_no_tools_speaks_without(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    openai.answer(fails(400), to="Financial Analyst")
    await supervisor.run(conversation.pk)
    first = (await debates.state(conversation))["messages"][0]
    assert (first["state"], first["text"]) == ("done", "Financial Analyst speaks (2).")
    # It is not offered any again, and nobody sees that it was.
    assert [bool(exchange.body.get("tools")) for exchange in openai.asked] == [
        True,
        False,
        False,
        False,
        False,
    ]
    assert len((await debates.state(conversation))["messages"]) == 4


async def test_a_model_that_takes_no_answer_from_a_tool_is_told_it_otherwise(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    openai.answer(asks(QUESTION), fails(400), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    await say(alice, conversation, "Five years.", await request_of(conversation))
    await run
    again = asked(openai, "Financial Analyst")[2]
    assert last_request(again).endswith(
        f'person who started this debate:\n{{"question": "{QUESTION}"}}\n{ANSWERED}\nDo not ask again.'
    )
    assert (await debates.fresh(conversation)).status == "completed"


async def test_what_is_said_after_a_tool_does_not_run_on_from_what_was_said_before_it(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    first = says("Hello.", calls=[("no_such_tool", "{}")], finish_reason="tool_calls")
    openai.answer(first, says("World."), to="Market Context")
    await supervisor.run(conversation.pk)
    assert (await debates.state(conversation))["messages"][1]["text"] == "Hello.\n\nWorld."


# A question and a restart


async def test_an_open_question_is_asked_on_after_a_restart_and_not_again(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    openai.answer(asks(QUESTION, after=["Well. "]), says("Then buy."), to="Financial Analyst")
    request = await asked_before_a_restart(conversation)
    before = await debates.rows(conversation)
    run = supervisor.launch(conversation.pk)
    await debates.until_stored_after(conversation, before[-1][0], "status", status="awaiting_input")
    assert len(openai.asked) == 1
    await say(alice, conversation, "Five years.", request)
    await run
    state = await debates.state(conversation)
    assert len(state["requests"]) == 1
    assert [message["state"] for message in state["messages"][:2]] == ["discarded", "done"]
    again = asked(openai, "Financial Analyst")[-1]
    assert (
        f'You have asked the person who started this debate:\n{{"question": "{QUESTION}"}}'
        in last_request(again)
    )
    assert ANSWERED in last_request(again)
    assert not again.body.get("tools")
    # What is known of it from the request need not stand there twice.
    assert "[alice" not in last_request(again)
    rows = await debates.rows(conversation)
    assert statuses(rows)[3:] == ["awaiting_input", "initializing", "awaiting_input", "active", "completed"]


async def test_what_was_asked_in_one_turn_is_nothing_to_the_next(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    openai.answer(asks(QUESTION), says("Then buy."), to="Financial Analyst")
    request = await asked_before_a_restart(conversation)
    await say(alice, conversation, "Five years.", request)
    gate = Gate()
    openai.answer(says("Half ", "a sentence.", gate=gate), to="Market Context")
    await cut(conversation, gate, "Half ")
    await supervisor.run(conversation.pk)
    for exchange in (*asked(openai, "Market Context"), *asked(openai, "Risk Challenger")):
        assert "You have asked" not in last_request(exchange)
        assert HEARD in last_request(exchange)
    # Who comes after may ask again.
    assert asked(openai, "Risk Challenger")[-1].body["tools"]


async def test_a_question_answered_while_nobody_ran_is_answered_after_the_restart(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    openai.answer(asks(QUESTION), says("Then buy."), to="Financial Analyst")
    request = await asked_before_a_restart(conversation)
    await say(alice, conversation, "Five years.", request)
    await supervisor.run(conversation.pk)
    assert ANSWERED in last_request(asked(openai, "Financial Analyst")[-1])
    assert statuses(await debates.rows(conversation))[3:] == [
        "awaiting_input", "initializing", "active", "completed",
    ]  # fmt: skip


async def test_the_deadline_goes_on_over_a_restart(
    conversation: Conversation, openai: OpenAIServer, settings: Settings, late_expiry: asyncio.Event
) -> None:
    settings.OUTCRY_INPUT_TIMEOUT_SECONDS = 0.05
    openai.answer(asks(QUESTION), says("Then hold."), to="Financial Analyst")
    await asked_before_a_restart(conversation)
    settings.OUTCRY_INPUT_TIMEOUT_SECONDS = 1_000
    late_expiry.set()
    await supervisor.run(conversation.pk)
    state = await debates.state(conversation)
    assert [request["state"] for request in state["requests"]] == ["expired"]
    assert "Nobody answered in time" in last_request(asked(openai, "Financial Analyst")[-1])


# Questions and commands


async def test_a_pause_while_a_person_is_asked_lasts_and_then_waits_on(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    openai.answer(asks(QUESTION), says("Then buy."), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    request = await request_of(conversation)
    await command(alice, conversation, "pause")
    await debates.until_stored(conversation, "status", status="paused")
    head = (await debates.fresh(conversation)).head
    await command(alice, conversation, "resume")
    await debates.until_stored_after(conversation, head, "status", status="awaiting_input")
    await say(alice, conversation, "Five years.", request)
    await run
    assert (await debates.fresh(conversation)).status == "completed"


async def test_the_time_to_answer_goes_on_during_a_pause(
    alice: User,
    conversation: Conversation,
    openai: OpenAIServer,
    settings: Settings,
    late_expiry: asyncio.Event,
) -> None:
    settings.OUTCRY_INPUT_TIMEOUT_SECONDS = 0.05
    openai.answer(asks(QUESTION), says("Then buy."), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    await request_of(conversation)
    await command(alice, conversation, "pause")
    await debates.until_stored(conversation, "status", status="paused")
    late_expiry.set()
    await debates.until_stored(conversation, "input_expired")
    await command(alice, conversation, "resume")
    await run
    assert statuses(await debates.rows(conversation)) == [
        "queued", "initializing", "active", "awaiting_input", "paused", "active", "completed",
    ]  # fmt: skip
    assert len(openai.asked) == 5


async def test_a_question_that_a_pause_held_back_has_all_its_time_when_it_comes(
    alice: User, conversation: Conversation, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, ask, is_put = Gate(), AgentReply.ask, asyncio.Event()

    async def noticed(reply: AgentReply, question: str) -> str:
        is_put.set()
        return await ask(reply, question)

    monkeypatch.setattr(AgentReply, "ask", noticed)
    openai.answer(asks(QUESTION, gate=gate), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    await command(alice, conversation, "pause")
    await debates.until_stored(conversation, "status", status="paused")
    gate.open()
    await is_put.wait()
    resumed = timezone.now()
    await command(alice, conversation, "resume")
    request = await request_of(conversation)
    asked_ = (await debates.state(conversation))["requests"][0]
    assert datetime.fromisoformat(asked_["deadline"]) >= resumed + timedelta(seconds=asked_["timeout"])
    await say(alice, conversation, "Five years.", request)
    await run


async def test_an_answer_during_a_pause_is_used_after_it(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    openai.answer(asks(QUESTION), says("Then buy."), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    request = await request_of(conversation)
    await command(alice, conversation, "pause")
    await debates.until_stored(conversation, "status", status="paused")
    await say(alice, conversation, "Five years.", request)
    await command(alice, conversation, "resume")
    await run
    assert statuses(await debates.rows(conversation)) == [
        "queued", "initializing", "active", "awaiting_input", "paused", "active", "completed",
    ]  # fmt: skip


async def test_a_question_can_be_cancelled(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    openai.answer(asks(QUESTION, after=["Well, "]), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    await request_of(conversation)
    await command(alice, conversation, "cancel")
    await run
    state = await debates.state(conversation)
    assert (state["status"], state["messages"][0]["text"], state["messages"][0]["finish_reason"]) == (
        "cancelled", "Well, ", "cancelled",
    )  # fmt: skip


# An answer against the clock


async def test_of_an_answer_and_an_expiry_at_once_one_is_stored(
    alice: User, conversation: Conversation
) -> None:
    for number in range(20):
        run = await debates.claim(conversation)
        start = debates.message_start(UUID(int=number + 1))
        request = debates.input_request(start, UUID(int=number + 100))
        await appender.append(conversation.pk, start, request, run=run)
        answer = HumanMessage(author="alice", text="Yes.", reply_to=request.request)
        told, expired = await asyncio.gather(
            commands.submit(conversation.pk, answer),
            commands.expire(conversation.pk, run, request.request),
            return_exceptions=True,
        )
        assert expired is None
        assert isinstance(told, commands.Accepted | Conflict)
        settled = (await debates.state(conversation))["requests"][-1]
        rows = [(type_, data) for _, type_, data in await debates.rows(conversation)][-1:]
        if isinstance(told, Conflict):
            assert (settled["state"], rows[0][0], told.message) == (
                "expired", "input_expired", "The time to answer this question has passed.",
            )  # fmt: skip
        else:
            assert (settled["state"], rows[0][0]) == ("answered", "human_message")
            assert await database.call(conversation.events.filter(type="input_expired").count) <= number
