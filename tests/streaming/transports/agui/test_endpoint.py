"""AG-UI, by its own client: a thread is a debate, its words are the transcript's, and how it ended is told."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from ag_ui.core import RunAgentInput
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.access import api_keys
from conversations.domain.enums import Action, Mode, Status
from conversations.domain.events import Control, EventData, MessageDiscard, ToolStart
from conversations.domain.frames import Frame, condense
from conversations.event_log import appender, commands
from conversations.infrastructure import database
from conversations.models import ApiKey, Conversation, Event, ThreadRun
from streaming.transports.agui.encoder import RunEncoder
from streaming.transports.agui.endpoint import PROPERTIES
from streaming.watchers.registry import registry
from streaming.wire.close_codes import Close
from streaming.wire.control_frames import Heartbeat, Hello, Notice, Stream, StreamState, wire_frame
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import Fault, asks, fails, says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate
from tests.recordings.make import read as read_recording
from tests.streaming.transports.agui.client import NODE, Agent, agent, place
from tests.streaming.transports.agui.rules import Client, followed, read, spoken, stored
from tests.support import debates
from tests.support.api_keys import made
from tests.support.belongings import source
from tests.support.frames import framed
from tests.support.recipes import recipe
from tests.support.servers import ROOT
from tests.support.serving import serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.anywhere]

RECORDINGS = sorted((ROOT / "tests" / "recordings").glob("*.jsonl"))
BUY = {"id": "u1", "role": "user", "content": "Buy?"}
ONE_ROUND = {"forwardedProps": {"rounds": 1}}


@pytest_asyncio.fixture
async def site(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as url:
        yield url


@pytest_asyncio.fixture
async def text(alice: User) -> str:
    _, text = await made(alice)
    return text


@pytest_asyncio.fixture
async def buyer(site: str, text: str, tmp_path: Path) -> AsyncIterator[Agent]:
    """An agent of alice's, with a thread of its own and her question."""
    async with agent(tmp_path, site, text, threadId="my-thread", initialMessages=[BUY]) as made:
        yield made


def asked(**changed: Any) -> dict[str, Any]:
    return {"threadId": "t", "runId": "r", "messages": [BUY], **ONE_ROUND, **changed}


async def post(site: str, key: str | None, body: Any, **headers: str) -> httpx.Response:
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    async with httpx.AsyncClient(base_url=site, headers=headers, timeout=PATIENCE_SECONDS) as http:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await http.post("/ag-ui/", content=content)


async def only() -> Conversation:
    return await database.call(Conversation.objects.get)


def by_agents(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return spoken(message for message in messages if message["role"] == "assistant")


# The encoder

HELLO = wire_frame(
    None,
    Hello(
        head=0,
        status=Status.ACTIVE,
        mode=Mode.LIVE,
        recovered=True,
        from_=0,
        heartbeat_seconds=20,
        session=uuid4(),
    ),
)


def encoded(frames: list[Frame], asked_: dict[str, Any] | None = None) -> bytes:
    conversation = uuid4()
    events = RunEncoder(RunAgentInput.model_validate(asked_ or asked()), conversation, "Buy?")
    begin = events.control(HELLO)
    # Some recordings stop in the middle.
    return begin + b"".join(events.event(frame) for frame in frames) + events.end(Close.RESTART)


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.stem)
def recording(request: pytest.FixtureRequest) -> Any:
    return read_recording(request.param)


def frames_of(recording: Any) -> list[Frame]:
    return [
        Frame.decode(json.dumps(frame, separators=(",", ":")), UUID(frame["conversation"]))
        for frame in recording["events"]
    ]


def framed_events(*events: EventData) -> list[Frame]:
    return framed([debates.status(Status.ACTIVE), *events])


@pytest.mark.parametrize("joined", [1, 3, 7, 1000])
def test_every_recording_keeps_the_rules_and_folds_to_its_words(recording: Any, joined: int) -> None:
    frames = frames_of(recording)
    parts = [condense(frames[start : start + joined]) for start in range(0, len(frames), joined)]
    client = followed(read(encoded([frame for part in parts for frame in part])), [BUY])
    state = recording["state"]
    assert by_agents(client.messages) == stored(state)
    assert client.messages[0]["id"] == "u1"
    people = [message["content"] for message in client.messages[1:] if message["role"] == "user"]
    assert people == [human["text"] for human in state["humans"]]
    assert client.state["status"] == state["status"]
    assert client.state["mode"] == state["mode"]
    assert client.state["verdict"] == state["complete"]
    kinds = {"completed": "success", "cancelled": "cancelled"}
    assert client.end is not None
    assert client.end.get("outcome", {}).get("type") == kinds.get(state["status"])


def test_tools_are_calls_of_their_message_each_with_its_result(recording: Any) -> None:
    client = followed(read(encoded(frames_of(recording))), [BUY])
    standing = {
        message["id"] for message in recording["state"]["messages"] if message["state"] != "discarded"
    }
    tools = [tool for tool in recording["state"]["tools"] if tool["message"] in standing]
    calls = [call["function"] for message in client.messages for call in message.get("toolCalls", ())]
    assert calls == [{"name": tool["tool"], "arguments": tool["input"]} for tool in tools]
    results = [message["content"] for message in client.messages if message["role"] == "tool"]
    ended = [tool for tool in tools if tool["output"] is not None or tool["error"] is not None]
    assert len(results) == len(ended)
    for result, tool in zip(results, ended, strict=True):
        assert tool["output"] in (result, None)
        assert tool["error"] is None or (tool["reason"] or tool["error"]) in result


def test_what_a_demo_says_is_named_so(recording: Any) -> None:
    client = followed(read(encoded(frames_of(recording))), [BUY])
    demos = [
        message["mode"] == Mode.DEMO
        for message in recording["state"]["messages"]
        if message["state"] != "discarded" and message["kind"] != "thinking"
    ]
    names = [message["name"] for message in client.messages if message["role"] == "assistant"]
    assert [name.endswith(" (demo)") for name in names] == demos
    said_so = [name for name, _ in client.custom].count("outcry.demo")
    assert said_so == int(any(demos) or recording["state"]["mode"] == Mode.DEMO)


def test_a_cost_that_nobody_knows_is_null(recording: Any) -> None:
    client = followed(read(encoded(frames_of(recording))), [BUY])
    complete = recording["state"]["complete"]
    assert client.state["cost"] == (complete and complete["cost_summary"]["usd"])
    assert "cost" in client.state


def test_a_stream_that_breaks_never_ends_as_a_success(recording: Any) -> None:
    frames = frames_of(recording)[:-1]
    for count in range(len(frames)):
        events = RunEncoder(RunAgentInput.model_validate(asked()), uuid4(), "Buy?")
        begin = events.control(HELLO)
        body = b"".join(events.event(frame) for frame in frames[:count]) + events.end(Close.RESTART)
        client = followed(read(begin + body), [BUY])
        assert client.end is not None
        assert (client.end["type"], client.end["code"]) == ("RUN_ERROR", "restart")


@pytest.mark.parametrize("name", ["debate", "cancelled", "error"])
def test_after_the_end_nothing_is_said(name: str) -> None:
    events = RunEncoder(RunAgentInput.model_validate(asked()), uuid4(), "Buy?")
    for each in frames_of(read_recording(ROOT / "tests" / "recordings" / f"{name}.jsonl")):
        events.event(each)
    notice = wire_frame(None, Notice(text="Soon."))
    assert (events.control(notice), events.end(Close.ENDED)) == (b"", b"")


def test_words_that_are_taken_back_are_gone_at_once() -> None:
    start, message = debates.message_start(uuid4()), uuid4()
    discard = MessageDiscard(message=start.message, reason="provider_dropped")
    frames = framed_events(start, debates.token(start.message, "Half"), discard)
    client = Client([BUY])
    for event in read(encoded(frames)):
        client.take(event)
    assert client.messages == [BUY]
    again = debates.message_start(message)
    frames = framed_events(start, debates.token(start.message, "Half"), discard, again)
    client = followed(read(encoded(frames)), [BUY])
    assert [each["id"].split(":")[-1] for each in client.messages] == ["u1", str(message)]


def test_a_whole_message_corrects_its_words() -> None:
    start = debates.message_start(uuid4())
    words = debates.tokens(start.message, ["Revenue ", "fell."])
    frames = framed_events(start, *words, debates.agent_message(start, "Revenue rose."))
    client = followed(read(encoded(frames)), [BUY])
    assert by_agents(client.messages) == [("Risk Challenger", "Revenue rose.")]


def test_a_call_that_came_to_no_end_is_no_call_for_the_client() -> None:
    start = debates.message_start(uuid4())
    frames = framed_events(
        start,
        ToolStart(call="c", message=start.message, tool="quote", input="{}"),
        debates.status(Status.CANCELLED),
    )
    client = followed(read(encoded(frames)), [BUY])
    assert [message["role"] for message in client.messages] == ["user", "assistant", "tool"]


def test_what_is_not_in_the_log_is_a_custom_event() -> None:
    events = RunEncoder(RunAgentInput.model_validate(asked()), uuid4(), "Buy?")
    client = Client()
    notice = wire_frame(None, Notice(text="Soon."))
    for frame in (HELLO, notice, wire_frame(None, Stream(state=StreamState.RECONNECTING))):
        for event in read(events.control(frame)):
            client.take(event)
    assert client.custom == [
        ("outcry.notice", {"text": "Soon."}),
        ("outcry.stream", {"state": "reconnecting"}),
    ]
    heartbeat = wire_frame(None, Heartbeat(head=1))
    assert events.control(heartbeat) == b": still here\n"


# A run


async def test_a_new_thread_is_a_debate_whose_words_are_the_transcripts(
    buyer: Agent, openai: OpenAIServer, alice: User
) -> None:
    end = await buyer.run(runId="run-1", **ONE_ROUND)
    conversation = await only()
    assert (conversation.topic, conversation.owner_id, conversation.rounds) == ("Buy?", alice.pk, 1)
    assert (end.run, end.errors) == ("resolved", [])
    state = await debates.state(conversation)
    assert by_agents(end.messages) == stored(state)
    assert end.messages[0] == BUY
    assert end.newMessages == end.messages[1:]
    assert end.state["conversation"] == str(conversation.pk)
    assert (end.state["status"], end.state["verdict"]) == ("completed", state["complete"])
    assert end.result["verdict"] == state["complete"]
    started, finished = buyer.events[0], buyer.events[-1]
    assert (started["type"], finished["type"]) == ("RUN_STARTED", "RUN_FINISHED")
    assert (started["threadId"], started["runId"]) == ("my-thread", "run-1")
    assert started["metadata"]["outcry"]["conversation"] == str(conversation.pk)
    # Three answers and a verdict, as the stand-in counts them; their price is not known.
    [usage] = finished["usage"]
    assert (usage["inputTokens"], usage["outputTokens"]) == (480, 120)
    assert end.state["cost"] is None


async def test_each_turn_is_a_step(buyer: Agent, openai: OpenAIServer) -> None:
    await buyer.run(**ONE_ROUND)
    steps = [event["stepName"] for event in buyer.events if event["type"] == "STEP_STARTED"]
    assert steps[:3] == ["Round 1: Financial Analyst", "Round 1: Market Context", "Round 1: Risk Challenger"]
    assert [event["stepName"] for event in buyer.events if event["type"] == "STEP_FINISHED"] == steps


async def test_earlier_messages_context_and_properties_are_the_content(
    site: str, text: str, openai: OpenAIServer
) -> None:
    body = asked(
        messages=[
            {"id": "s", "role": "system", "content": "You are an assistant."},
            {"id": "u0", "role": "user", "content": "Revenue rose."},
            {"id": "a0", "role": "assistant", "content": "I see."},
            {"id": "u1", "role": "user", "content": [{"type": "text", "text": "Buy?"}]},
        ],
        context=[{"description": "Price", "value": "€ 41"}],
        forwardedProps={"rounds": 1, "content": "Debt fell.", "max_usd": 2, "theme": "dark"},
    )
    assert (await post(site, text, body)).status_code == 200
    conversation = await only()
    assert conversation.topic == "Buy?"
    assert conversation.content == "Revenue rose.\n\nPrice:\n€ 41\n\nDebt fell."
    assert conversation.max_usd == 2


async def test_sources_alone_start_a_debate(alice: User, site: str, text: str, openai: OpenAIServer) -> None:
    found = await database.call(source, alice)
    body = asked(messages=[], forwardedProps={"rounds": 1, "sources": [str(found.pk)]})
    assert (await post(site, text, body)).status_code == 200
    assert (await only()).topic == found.text


async def test_a_turn_that_fails_is_taken_back_and_spoken_again(
    buyer: Agent, openai: OpenAIServer, settings: Settings
) -> None:
    async with OpenAIServer(model="faulty") as faulty:
        settings.OUTCRY_PROVIDERS = [faulty.provider, openai.provider]
        faulty.answer(says("Half ", "a word", fault=Fault.CUT, fault_after=2), to="Market Context")
        end = await buyer.run(**ONE_ROUND)
    state = await debates.state(await only())
    assert [message["text"] for message in state["messages"] if message["state"] == "discarded"]
    assert by_agents(end.messages) == stored(state)
    assert end.messages[0] == BUY
    custom = [event["name"] for event in buyer.events if event["type"] == "CUSTOM"]
    assert custom.index("outcry.message_discard") < custom.index("outcry.fallback")


async def test_a_demo_says_so_everywhere(buyer: Agent, openai: OpenAIServer, settings: Settings) -> None:
    settings.OUTCRY_DEMO_FALLBACK = True
    settings.OUTCRY_DEMO_TOKENS_PER_SECOND = 1000
    openai.answer(fails(401), times=10)
    end = await buyer.run(**ONE_ROUND)
    assert end.state["mode"] == end.result["mode"] == "demo"
    voices = [message for message in end.messages if message["role"] == "assistant"]
    assert voices
    assert all(message["name"].endswith(" (demo)") for message in voices)
    assert all(message["metadata"]["outcry"]["mode"] == "demo" for message in voices)
    assert [event["name"] for event in buyer.events if event["type"] == "CUSTOM"].count("outcry.demo") == 1


async def test_a_debate_that_fails_is_an_error(buyer: Agent, openai: OpenAIServer) -> None:
    openai.answer(fails(401), times=10)
    end = await buyer.run(**ONE_ROUND)
    state = await debates.state(await only())
    assert end.errors == [{key: state["errors"][-1][key] for key in ("code", "message")}]
    assert buyer.events[-1]["type"] == "RUN_ERROR"
    assert end.state["status"] == "error"


async def test_a_cancelled_debate_is_a_cancelled_run(buyer: Agent, openai: OpenAIServer) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    await buyer.begin(**ONE_ROUND)
    await buyer.until("TEXT_MESSAGE_START")
    gate.let()
    await buyer.until("TEXT_MESSAGE_CONTENT")
    conversation = await only()
    await commands.submit(conversation.pk, Control(action=Action.CANCEL, actor="alice"))
    end = await buyer.ended()
    assert buyer.events[-1]["outcome"] == {"type": "cancelled"}
    assert (end.run, end.errors) == ("resolved", [])
    assert by_agents(end.messages) == stored(await debates.state(conversation))


# Every event


@pytest.fixture
async def told(conversation: Conversation) -> Conversation:
    """A conversation of alice's in which every type of event has happened."""
    await appender.append(conversation.pk, *debates.every_event())
    return conversation


@pytest.mark.each_database
async def test_a_thread_that_is_a_conversations_id_is_that_conversation(
    told: Conversation, site: str, text: str, tmp_path: Path
) -> None:
    async with agent(tmp_path, site, text, threadId=str(told.pk)) as follower:
        end = await follower.run()
        again = await follower.run()
    state = await debates.state(told)
    assert by_agents(end.messages) == stored(state)
    [voice] = [message for message in end.messages if message["role"] == "assistant"]
    assert [call["function"] for call in voice["toolCalls"]] == [
        {"name": "quote", "arguments": '{"of": "HLDN"}'},
        {"name": "news", "arguments": "{}"},
    ]
    results = [message["content"] for message in end.messages if message["role"] == "tool"]
    assert results == ["€ 41,20", "The call failed: tool_failed."]
    # With all of it in its history, the second run says nothing twice.
    assert again.messages == end.messages
    assert await database.call(Conversation.objects.count) == 1


async def test_every_type_of_event_is_told(told: Conversation, site: str, text: str, tmp_path: Path) -> None:
    async with agent(tmp_path, site, text, threadId=str(told.pk)) as follower:
        await follower.run()
    custom = {event["name"].removeprefix("outcry.") for event in follower.events if event["type"] == "CUSTOM"}
    types = set(await database.call(lambda: [*Event.objects.values_list("type", flat=True).distinct()]))
    by_events_of_ag_ui = {"status", "message_start", "token", "agent_message", "tool_start", "tool_end"}
    assert custom == types - by_events_of_ag_ui
    evidence = ("snapshot", "evidence", "figures")
    values = [
        event["value"]
        for event in follower.events
        if event.get("name") in {f"outcry.{one}" for one in evidence}
    ]
    assert values == [data for _, type_, data in await debates.rows(told) if type_ in evidence]


async def test_what_is_left_out_is_not_missed(
    told: Conversation, site: str, text: str, tmp_path: Path, settings: Settings
) -> None:
    settings.OUTCRY_EVENTS = {"agui": frozenset({"tool_start", "token", "fallback", "error"})}
    async with agent(tmp_path, site, text, threadId=str(told.pk)) as follower:
        end = await follower.run()
    assert by_agents(end.messages) == stored(await debates.state(told))
    assert not any(event["type"].startswith("TOOL_CALL") for event in follower.events)
    assert end.result["status"] == "completed"


async def test_ends_of_lines_in_words_end_no_line(told: Conversation, site: str, text: str) -> None:
    answer = await post(site, text, {"threadId": str(told.pk), "runId": "r", "messages": []})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-outcry-conversation"] == str(told.pk)
    assert "\u2028" not in answer.text
    assert by_agents(followed(read(answer.content)).messages) == stored(await debates.state(told))


# The same thread again


@pytest.mark.each_database
async def test_the_same_run_again_is_the_same_debate(buyer: Agent, openai: OpenAIServer) -> None:
    first = await buyer.run(runId="run-1", **ONE_ROUND)
    again = await buyer.run(runId="run-1", **ONE_ROUND)
    assert again.messages == first.messages
    assert again.state == first.state
    assert await database.call(Conversation.objects.count) == 1


@pytest.mark.each_database
async def test_the_same_run_twice_at_once_is_one_debate(site: str, text: str, openai: OpenAIServer) -> None:
    answers = await asyncio.gather(*(post(site, text, asked()) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    [words] = {tuple(by_agents(followed(read(answer.content), [BUY]).messages)) for answer in answers}
    assert [*words] == stored(await debates.state(await only()))
    assert await database.call(ThreadRun.objects.count) == 1


@pytest.mark.each_database
async def test_another_run_of_a_thread_follows_its_debate(buyer: Agent, openai: OpenAIServer) -> None:
    first = await buyer.run(**ONE_ROUND)
    again = await buyer.run(**ONE_ROUND)
    assert again.messages == first.messages
    assert await database.call(Conversation.objects.count) == 1


@pytest.mark.each_database
async def test_the_same_names_of_somebody_else_are_theirs(
    site: str, text: str, bob: User, openai: OpenAIServer
) -> None:
    _, bobs = await made(bob)
    for key in (text, bobs):
        assert (await post(site, key, asked())).status_code == 200
    owners = await database.call(lambda: {each.owner.username for each in ThreadRun.objects.all()})
    assert owners == {"alice", "bob"}


async def test_somebody_elses_conversation_is_no_thread_of_ones_own(
    told: Conversation, site: str, bob: User
) -> None:
    _, bobs = await made(bob)
    answer = await post(site, bobs, {"threadId": str(told.pk), "runId": "r", "messages": []})
    assert answer.status_code == 422
    unknown = await post(site, bobs, {"threadId": str(uuid4()), "runId": "r", "messages": []})
    assert answer.json() == unknown.json()


@pytest.mark.each_database
async def test_a_new_question_after_the_end_is_a_new_debate_in_the_thread(
    buyer: Agent, openai: OpenAIServer
) -> None:
    first = await buyer.run(**ONE_ROUND)
    message = {"id": "u2", "role": "user", "content": "And sell?"}
    second = await buyer.run(message=message, **ONE_ROUND)
    newest = await database.call(Conversation.objects.first)
    assert newest is not None
    assert (newest.topic, newest.content) == ("And sell?", "Buy?")
    assert second.messages[: len(first.messages) + 1] == [*first.messages, message]
    assert second.state["conversation"] == str(newest.pk) != first.state["conversation"]
    # Coming back to it, once more, starts nothing.
    third = await buyer.run(**ONE_ROUND)
    assert third.messages == second.messages
    assert await database.call(Conversation.objects.count) == 2


async def test_a_new_message_while_the_debate_goes_on_is_said_in_it(
    site: str, text: str, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    first = asyncio.create_task(post(site, text, asked()))
    await gate.reached(1)
    more = [BUY, {"id": "u2", "role": "user", "content": "Mind the debt."}]
    others = [asyncio.create_task(post(site, text, asked(runId=f"r{n}", messages=more))) for n in range(2)]
    await debates.until_stored(await only(), "human_message", text="Mind the debt.")
    gate.open()
    seen = followed(read((await first).content), [BUY])
    # Who has said it has it; who was there already hears it.
    assert [message["content"] for message in seen.messages if message["role"] == "user"] == [
        "Buy?",
        "Mind the debt.",
    ]
    for other in others:
        own = followed(read((await other).content), more)
        assert [message for message in own.messages if message["role"] == "user"] == more
    state = await debates.state(await only())
    assert [human["text"] for human in state["humans"]] == ["Mind the debt."]


@pytest.mark.parametrize("how", ["resume", "message"])
async def test_an_agents_question_is_answered_by_the_next_run(
    site: str, text: str, tmp_path: Path, openai: OpenAIServer, how: str
) -> None:
    openai.answer(asks("Which horizon?"), to="Financial Analyst")
    options = {"threadId": "t", "initialMessages": [BUY]}
    async with agent(tmp_path, site, text, **options) as first:
        await first.begin(**ONE_ROUND)
        asking = await first.until("CUSTOM", name="outcry.input_request")
    value = asking["value"]
    assert value["prompt"] == "Which horizon?"
    assert value["answer"] == f"/api/conversations/{(await only()).pk}/input"
    async with agent(tmp_path, site, text, **options) as second:
        if how == "resume":
            answer = {"interruptId": value["request"], "status": "resolved", "payload": "Five years"}
            end = await second.run(resume=[answer])
        else:
            end = await second.run(message={"id": "u2", "role": "user", "content": "Five years"})
    state = await debates.state(await only())
    assert [(human["text"], human["reply_to"]) for human in state["humans"]] == [
        ("Five years", value["request"])
    ]
    assert by_agents(end.messages) == stored(state)
    said = [message["content"] for message in end.messages if message["role"] == "user"]
    assert said == ["Buy?", "Five years"]


# Who may not, and what is wrong


async def test_who_speaks_in_a_debate_needs_the_scope_for_it(
    site: str, alice: User, openai: OpenAIServer
) -> None:
    _, lacking = await made(alice, "watch", "start")
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    first = asyncio.create_task(post(site, lacking, asked()))
    await gate.reached(1)
    more = [BUY, {"id": "u2", "role": "user", "content": "Mind the debt."}]
    answer = await post(site, lacking, asked(runId="r2", messages=more))
    gate.open()
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert (await first).status_code == 200
    assert (await debates.state(await only()))["humans"] == []


@pytest.mark.each_database
@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 422, "body"),
        (b"[]", 422, "body"),
        (b'{"threadId": "\xff"}', 422, "body"),
        (asked(threadId=None), 422, "threadId"),
        (asked(threadId=7), 422, "threadId"),
        (asked(threadId=""), 422, "threadId"),
        (asked(threadId="x" * 201), 422, "threadId"),
        (asked(runId="a\0b"), 422, "runId"),
        (asked(messages=[]), 422, "messages"),
        (asked(messages="Buy?"), 422, "messages"),
        (asked(messages=[{"id": "a", "role": "assistant", "content": "I see."}]), 422, "messages"),
        (asked(messages=[{**BUY, "content": " "}]), 422, "messages"),
        (asked(messages=[{**BUY, "content": "x" * 501}]), 422, "messages"),
        (
            asked(
                messages=[
                    {
                        **BUY,
                        "content": [
                            {"type": "image", "source": {"type": "url", "value": "https://a.example/b.png"}}
                        ],
                    }
                ]
            ),
            422,
            "messages",
        ),
        (asked(forwardedProps=[]), 422, "forwardedProps"),
        (asked(forwardedProps={"rounds": 99}), 422, "rounds"),
        (asked(forwardedProps={"rounds": "2"}), 422, "rounds"),
        (asked(forwardedProps={"content": 7}), 422, "content"),
        (asked(resume=[{"interruptId": "x", "status": "resolved", "payload": "y"}]), 422, "resume"),
        (b"x" * 10_000_000, 413, None),
    ],
)
async def test_a_wrong_input_is_told_what_is_wrong_and_stores_nothing(
    site: str, text: str, body: Any, status: int, field: str | None
) -> None:
    answer = await post(site, text, body)
    assert answer.status_code == status
    assert answer.json()["message"].endswith(".")
    if field is not None:
        assert field in {error["field"] for error in answer.json()["errors"]}
    assert not await database.call(Conversation.objects.exists)
    assert not await database.call(ThreadRun.objects.exists)


async def test_an_answer_without_a_text_does_not_skip_the_question(
    site: str, text: str, conversation: Conversation
) -> None:
    start, question = debates.message_start(uuid4()), uuid4()
    await appender.append(conversation.pk, start, debates.input_request(start, question))
    resume = [{"interruptId": str(question), "status": "resolved", "payload": None}]
    answer = await post(site, text, asked(threadId=str(conversation.pk), resume=resume))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "text")
    assert (await debates.state(conversation))["requests"][0]["state"] == "open"


async def test_an_answer_to_no_question_is_a_conflict(
    site: str, text: str, conversation: Conversation
) -> None:
    resume = [{"interruptId": str(uuid4()), "status": "resolved", "payload": {"text": "Five years"}}]
    answer = await post(site, text, asked(threadId=str(conversation.pk), resume=resume))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert [type_ for _, type_, _ in await debates.rows(conversation)] == ["status"]


@pytest.mark.each_database
@pytest.mark.parametrize("second", ["open", "nonsense"])
async def test_several_answers_at_once_are_refused_and_none_is_stored(
    site: str, text: str, conversation: Conversation, second: str
) -> None:
    start, questions = debates.message_start(uuid4()), [uuid4(), uuid4()]
    asking = [debates.input_request(start, question) for question in questions]
    await appender.append(conversation.pk, start, *asking)
    named = [str(questions[0]), str(questions[1]) if second == "open" else "nonsense"]
    resume = [{"interruptId": name, "status": "resolved", "payload": "Five years"} for name in named]
    answer = await post(site, text, asked(threadId=str(conversation.pk), resume=resume))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "resume")
    assert (await debates.state(conversation))["humans"] == []


async def test_what_is_not_answered_stands_beside_what_is(
    site: str, text: str, conversation: Conversation
) -> None:
    start, question = debates.message_start(uuid4()), uuid4()
    await appender.append(conversation.pk, start, debates.input_request(start, question))
    resume = [
        {"interruptId": str(uuid4()), "status": "cancelled"},
        {"interruptId": str(question), "status": "resolved", "payload": "Five years"},
    ]
    body = asked(threadId=str(conversation.pk), resume=resume)
    following = asyncio.create_task(post(site, text, body))
    await debates.until_stored(conversation, "human_message", reply_to=str(question))
    await appender.append(conversation.pk, debates.status(Status.CANCELLED))
    assert (await following).status_code == 200


# Ends that are none


async def test_a_revoked_key_ends_the_run_as_an_error(
    site: str, text: str, tmp_path: Path, conversation: Conversation, alice: User, settings: Settings
) -> None:
    settings.OUTCRY_HEARTBEAT_SECONDS = 0.2
    async with agent(tmp_path, site, text, threadId=str(conversation.pk)) as follower:
        await follower.begin()
        await follower.until("STATE_SNAPSHOT")
        key = await database.call(ApiKey.objects.get)
        await database.call(api_keys.revoke, alice, key.pk)
        end = await follower.ended()
    assert [error["code"] for error in end.errors] == ["unauthenticated"]
    assert end.result is None


async def test_server_stop_ends_the_run_and_the_next_run_follows(
    site: str, text: str, tmp_path: Path, conversation: Conversation
) -> None:
    async with agent(tmp_path, site, text, threadId=str(conversation.pk)) as follower:
        await follower.begin()
        await follower.until("STATE_SNAPSHOT")
        await registry().close_all(Close.RESTART)
        # The next server.
        registry().closing = None
        assert [error["code"] for error in (await follower.ended()).errors] == ["restart"]
        await appender.append(conversation.pk, debates.status(Status.CANCELLED))
        assert (await follower.run()).state["status"] == "cancelled"


# The recipe of docs/clients.md


async def cooked(site: str, text: str, folder: Path) -> tuple[int | None, str, str]:
    place(folder)
    (folder / "recipe.mjs").write_text(recipe("@ag-ui/client (JavaScript)"))
    environment = {**os.environ, "OUTCRY_URL": site, "OUTCRY_KEY": text}
    process = await asyncio.create_subprocess_exec(
        NODE,
        "recipe.mjs",
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def test_the_recipe_works(site: str, text: str, tmp_path: Path, openai: OpenAIServer) -> None:
    code, output, errors = await cooked(site, text, tmp_path)
    assert (code, errors) == (0, "")
    conversation = await only()
    state = await debates.state(conversation)
    told = "".join(f"## {name}\n\n{words}\n\n" for name, words in stored(state))
    assert output == f"{told}Conversation {conversation.pk}\n"
    assert (conversation.content_type, conversation.content) == (
        "news",
        "Tarnwick's margins rose from 21 to 24 %.",
    )


async def test_the_recipe_does_not_pass_over_a_failure(
    site: str, text: str, tmp_path: Path, openai: OpenAIServer
) -> None:
    openai.answer(fails(401), times=10)
    code, _, errors = await cooked(site, text, tmp_path)
    assert code == 1
    assert errors.startswith("provider_unauthorized: ")


def test_the_page_names_every_field_of_a_new_debate() -> None:
    page = (ROOT / "docs" / "agui.md").read_text()
    assert [name for name in PROPERTIES if f"`{name}`" not in page and f".{name}`" not in page] == []
