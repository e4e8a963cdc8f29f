"""A2A by its own SDK's client, over both bindings: tasks are conversations, and each word comes once."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from a2a.client import (
    A2AClientError,
    AuthInterceptor,
    Client,
    ClientConfig,
    CredentialService,
    create_client,
)
from a2a.compat.v0_3.types import AgentCard as AgentCard03
from a2a.helpers import get_artifact_text, get_message_text, new_data_part, new_text_part
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    SendMessageResponse,
    StreamResponse,
    SubscribeToTaskRequest,
    Task,
    TaskPushNotificationConfig,
    TaskState,
)
from a2a.utils.errors import (
    A2AError,
    ContentTypeNotSupportedError,
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from a2a.utils.proto_utils import validate_proto_required_fields
from django.contrib.auth.models import User
from google.protobuf.json_format import MessageToDict, ParseDict
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from conversations.domain import transcript
from conversations.domain.enums import Status
from conversations.domain.events import EventData, HumanMessage, InputExpired
from conversations.domain.frames import condense
from conversations.event_log import appender
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.runs import supervisor
from streaming.transports.a2a import task
from streaming.transports.a2a.task import TaskIds, TaskUpdates
from streaming.watchers.registry import registry
from streaming.wire.close_codes import Close
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import Fault, asks, says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate
from tests.support import api_keys, debates, stories
from tests.support.belongings import source
from tests.support.frames import CONVERSATION, framed
from tests.support.outages import Line, Outage, database_outage
from tests.support.servers import ROOT
from tests.support.serving import serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.anywhere]

BINDINGS = ["JSONRPC", "HTTP+JSON"]
COMPLETED = TaskState.TASK_STATE_COMPLETED


@pytest.fixture(params=BINDINGS)
def binding(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest_asyncio.fixture
async def site(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as url:
        yield url


class Key(CredentialService):
    """Answers the scheme of the card's that it is for."""

    def __init__(self, text: str, scheme: str) -> None:
        self.text, self.scheme = text, scheme

    async def get_credentials(self, security_scheme_name: str, context: Any) -> str | None:
        return self.text if security_scheme_name == self.scheme else None


@asynccontextmanager
async def agent(
    site: str,
    owner: User,
    binding: str = "JSONRPC",
    *scopes: str,
    scheme: str = "bearer",
    streams: bool = True,
    polling: bool = False,
) -> AsyncIterator[Client]:
    """The SDK's client, with a key of the person's."""
    _, text = await api_keys.made(owner, *scopes)
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
        config = ClientConfig(
            httpx_client=http, supported_protocol_bindings=[binding], streaming=streams, polling=polling
        )
        yield await create_client(site, config, interceptors=[AuthInterceptor(Key(text, scheme))])


def question(text: str = "Is Tarnwick worth buying?", id_: str = "", **more: Any) -> SendMessageRequest:
    parts = [new_text_part(text), new_data_part({"rounds": 1})]
    return SendMessageRequest(
        message=Message(message_id=id_ or str(uuid4()), role=Role.ROLE_USER, parts=parts), **more
    )


def to(told: Task, text: str, id_: str = "", **more: Any) -> SendMessageRequest:
    message = Message(
        message_id=id_ or str(uuid4()), role=Role.ROLE_USER, parts=[new_text_part(text)], task_id=told.id
    )
    return SendMessageRequest(message=message, **more)


def fold(told: Task | None, answer: StreamResponse) -> Task:
    """The task as a client has it after the next item of a stream."""
    if answer.HasField("task"):
        assert told is None, "a stream has one snapshot"
        return answer.task
    assert told is not None
    update = answer.status_update if answer.HasField("status_update") else answer.artifact_update
    return task.apply(told, [update])


def texts(told: Task) -> dict[str, str]:
    """What each message says, by its id; calls of tools have artifacts of their own."""
    return {
        artifact.artifact_id: get_artifact_text(artifact, "")
        for artifact in told.artifacts
        # The id of a call's artifact is that of its message, a colon, and its own.
        if artifact.artifact_id not in {"verdict", "record"}
        and ":" not in artifact.artifact_id
        and "discarded" not in artifact.metadata
    }


def said(state: dict[str, Any]) -> dict[str, str]:
    """The same from the stored log."""
    return {
        message["id"]: message["text"]
        for message in state["messages"]
        if message["state"] != "discarded" and message["text"]
    }


def verdict(told: Task) -> dict[str, Any] | None:
    for artifact in told.artifacts:
        if artifact.artifact_id == "verdict":
            data: dict[str, Any] = MessageToDict(artifact.parts[0].data)
            return data
    return None


def data_of(told: Task, artifact: str) -> list[dict[str, Any]]:
    """The parts of data of one artifact."""
    (found,) = [each for each in told.artifacts if each.artifact_id == artifact]
    return [MessageToDict(part.data) for part in found.parts if part.HasField("data")]


async def stored(told: Task) -> Conversation:
    return await database.call(lambda: Conversation.objects.get(pk=told.id))


async def last(answers: AsyncIterator[StreamResponse]) -> Task:
    told = None
    async for answer in answers:
        told = fold(told, answer)
    assert told is not None
    return told


# A debate, as a task


async def test_the_record_and_checked_figures_are_parts_of_data(
    alice: User, site: str, openai: OpenAIServer, binding: str
) -> None:
    openai.answer(says("Apple closed at $532.17 [E1]. Its RSI of 71 is high."), to="Financial Analyst")
    asked = question("Buy?")
    asked.message.parts[1].data.struct_value.update({"instrument": "AAPL", "as_of": "2012-12-31T23:00:00Z"})
    ended: list[str] = []
    told = None
    async with agent(site, alice, binding) as client:
        async for answer in client.send_message(asked):
            update = answer.artifact_update
            ended += [update.artifact.artifact_id] if update.last_chunk else []
            told = fold(told, answer)
        assert told is not None
        assert await client.get_task(GetTaskRequest(id=told.id)) == told
    state = await debates.state(await stored(told))
    assert texts(told) == said(state)
    assert sorted(ended) == sorted(["record", *said(state), "verdict"]), "each artifact ends once"
    snapshot, *batches = data_of(told, "record")
    assert snapshot == state["snapshot"]
    assert [item for batch in batches for item in batch["items"]] == state["evidence"]
    (checked,) = data_of(told, state["messages"][0]["id"])
    assert checked["items"] == state["messages"][0]["figures"]
    assert [item["label"] for item in checked["items"]] == ["matched", "contradicted"]


async def test_a_message_starts_a_debate_and_streams_it(
    alice: User, site: str, openai: OpenAIServer, binding: str
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    gate.let()
    told, appended = None, 0
    async with agent(site, alice, binding) as client:
        async for answer in client.send_message(question()):
            appended += answer.artifact_update.append
            told = fold(told, answer)
            if texts(told):
                # Words that a slow reader finds all at once are one update.
                gate.open()
        assert told is not None
        assert await client.get_task(GetTaskRequest(id=told.id)) == told
    conversation = await stored(told)
    state = await debates.state(conversation)
    assert texts(told) == said(state)
    assert verdict(told) == state["complete"]
    assert (told.status.state, conversation.owner_id, conversation.rounds) == (COMPLETED, alice.pk, 1)
    assert appended


async def test_who_asks_for_no_stream_waits_for_the_whole_task(
    alice: User, site: str, openai: OpenAIServer, binding: str
) -> None:
    async with agent(site, alice, binding, streams=False) as client:
        told = await last(client.send_message(question()))
        assert await client.get_task(GetTaskRequest(id=told.id)) == told
    assert told.status.state == COMPLETED
    assert texts(told) == said(await debates.state(await stored(told)))


async def test_who_polls_gets_the_task_at_once(alice: User, site: str, openai: OpenAIServer) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    async with agent(site, alice, streams=False, polling=True) as client:
        told = await last(client.send_message(question()))
        assert told.status.state not in task.ENDED
        gate.open()
        await debates.debates_ended()
        told = await client.get_task(GetTaskRequest(id=told.id))
    assert texts(told) == said(await debates.state(await stored(told)))


async def test_who_drops_the_stream_subscribes_again_and_gets_no_word_twice(
    alice: User, site: str, openai: OpenAIServer, binding: str
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two ", "three.", gate=gate), to="Market Context")
    gate.let()
    async with agent(site, alice, binding) as client:
        dropped = client.send_message(question())
        told = None
        async for answer in dropped:
            told = fold(told, answer)
            if "One " in texts(told).values():
                break
        assert told is not None
        await dropped.aclose()  # type: ignore[attr-defined]
        again = None
        async for answer in client.subscribe(SubscribeToTaskRequest(id=told.id)):
            if again is None:
                gate.open()
            again = fold(again, answer)
        assert again is not None
        assert again == await client.get_task(GetTaskRequest(id=told.id))
        with pytest.raises(UnsupportedOperationError):
            await last(client.subscribe(SubscribeToTaskRequest(id=told.id)))
    assert texts(again) == said(await debates.state(await stored(told)))


@pytest.fixture
def outage(conversation: Conversation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outage]:
    monkeypatch.setattr(appender, "SLOW_COMMIT_SECONDS", 0.1)
    with database_outage(monkeypatch) as outage:
        yield outage


@pytest.mark.each_database
async def test_stream_dropped_in_an_outage_resumes_with_each_word_once(
    conversation: Conversation, outage: Outage, alice: User, site: str, openai: OpenAIServer, binding: str
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two ", "three.", gate=gate))
    wanted = SubscribeToTaskRequest(id=str(conversation.pk))
    async with asyncio.timeout(PATIENCE_SECONDS), agent(site, alice, binding) as client:
        supervisor.launch(conversation.pk)
        gate.let()
        told = None
        async with aclosing(client.subscribe(wanted)) as dropped:  # type: ignore[type-var]
            async for answer in dropped:
                told = fold(told, answer)
                if "One " in texts(told).values():
                    break
            await asyncio.to_thread(outage.begin)
            gate.open()
            while not appender.is_commit_slow():
                await asyncio.sleep(0.01)
        if isinstance(outage, Line):
            # A locked SQLite file is read all the same.
            with pytest.raises(A2AError, match="503"):
                await anext(client.subscribe(wanted))
        else:
            assert [*texts(fold(None, await anext(client.subscribe(wanted)))).values()] == ["One "]
        outage.end()
        again = await last(client.subscribe(wanted))
    assert again.status.state == COMPLETED
    assert texts(again) == said(await debates.state(conversation))
    assert "One two three." in texts(again).values()


@pytest.mark.each_database
async def test_a_debate_that_was_started_elsewhere_is_a_task_too(
    alice: User, bob: User, conversation: Conversation, site: str, binding: str
) -> None:
    await appender.append(conversation.pk, *debates.every_event())
    asked = GetTaskRequest(id=str(conversation.pk))
    async with agent(site, alice, binding, "watch") as client:
        told = await client.get_task(asked)
        asked.history_length = 1
        shortened = await client.get_task(asked)
    assert texts(told) == said(await debates.state(conversation))
    assert [get_message_text(message) for message in told.history] == [
        conversation.topic,
        "Which horizon?",
        "Five years",
        "Which currency?",
    ]
    assert [*shortened.history] == [*told.history[-1:]]
    async with agent(site, bob, binding) as client:
        with pytest.raises(TaskNotFoundError):
            await client.get_task(asked)


async def test_a_cancel_is_answered_with_the_task_that_it_ended(
    alice: User, site: str, openai: OpenAIServer, binding: str
) -> None:
    openai.answer(says("One ", fault=Fault.STALL, fault_after=1), to="Financial Analyst")
    told, cancelled = None, None
    async with agent(site, alice, binding) as client:
        async for answer in client.send_message(question()):
            told = fold(told, answer)
            if "One " in texts(told).values() and cancelled is None:
                cancelled = await client.cancel_task(CancelTaskRequest(id=told.id))
                assert cancelled.status.state == TaskState.TASK_STATE_CANCELED
                assert texts(cancelled) == texts(told)
        assert told is not None
        with pytest.raises(TaskNotCancelableError):
            await client.cancel_task(CancelTaskRequest(id=told.id))
    assert told.status.state == TaskState.TASK_STATE_CANCELED


# Questions


@pytest.mark.each_database
async def test_a_message_to_the_task_answers_what_was_asked(
    alice: User, site: str, openai: OpenAIServer, binding: str
) -> None:
    openai.answer(asks("Which horizon?"), to="Financial Analyst")
    async with agent(site, alice, binding, streams=False) as client:
        asked = await last(client.send_message(question()))
        assert asked.status.state == TaskState.TASK_STATE_INPUT_REQUIRED
        assert get_message_text(asked.status.message) == "Which horizon?"
        answer = to(asked, "Five years", "answer-1")
        told = await last(client.send_message(answer))
        again = await last(client.send_message(answer))
    assert told.status.state == again.status.state == COMPLETED
    humans = (await debates.state(await stored(told)))["humans"]
    assert [(human["text"], human["reply_to"] is not None) for human in humans] == [("Five years", True)]


async def test_a_stream_goes_on_after_a_question(alice: User, site: str, openai: OpenAIServer) -> None:
    openai.answer(asks("Which horizon?"), to="Financial Analyst")
    told = None
    async with agent(site, alice) as client, agent(site, alice, streams=False, polling=True) as other:
        async for answer in client.send_message(question()):
            told = fold(told, answer)
            if told.status.state == TaskState.TASK_STATE_INPUT_REQUIRED:
                await last(other.send_message(to(told, "Five years")))
    assert told is not None
    assert told.status.state == COMPLETED


async def test_who_is_not_asked_speaks_to_the_panel_and_not_after_the_end(
    alice: User, conversation: Conversation, site: str
) -> None:
    async with agent(site, alice, streams=False, polling=True) as client:
        told = await client.get_task(GetTaskRequest(id=str(conversation.pk)))
        await last(client.send_message(to(told, "And debt?")))
        [human] = (await debates.state(conversation))["humans"]
        assert (human["text"], human["reply_to"]) == ("And debt?", None)
        await appender.append(conversation.pk, debates.status(Status.CANCELLED))
        with pytest.raises(UnsupportedOperationError):
            await last(client.send_message(to(told, "And now?")))


# The same message again


@pytest.mark.each_database
async def test_a_message_that_comes_twice_starts_one_debate(
    alice: User, bob: User, site: str, openai: OpenAIServer
) -> None:
    async with agent(site, alice) as client, agent(site, bob) as other:
        first = await last(client.send_message(question(id_="m-1")))
        again = await last(client.send_message(question(id_="m-1")))
        elsewhere = await last(other.send_message(question(id_="m-1")))
        with pytest.raises(UnsupportedOperationError):
            await last(client.send_message(question("Is gold a hedge?", id_="m-1")))
    assert first == again
    assert elsewhere.id != first.id
    assert await database.call(Conversation.objects.count) == 2
    assert first.history[0].message_id == "m-1"


async def test_sources_alone_start_a_debate_once(alice: User, site: str, openai: OpenAIServer) -> None:
    found = await database.call(source, alice)
    asked = question(id_="m-1")
    del asked.message.parts[:]
    asked.message.parts.add().CopyFrom(new_data_part({"rounds": 1, "sources": [str(found.pk)]}))
    async with agent(site, alice) as client:
        first = await last(client.send_message(asked))
        assert await last(client.send_message(asked)) == first
    conversation = await database.call(Conversation.objects.get)
    assert conversation.topic == found.text


@pytest.mark.each_database
async def test_a_task_keeps_the_context_that_it_was_given(
    alice: User, site: str, openai: OpenAIServer
) -> None:
    asked = question()
    asked.message.context_id = "portfolio-7"
    async with agent(site, alice, streams=False, polling=True) as client:
        told = await last(client.send_message(asked))
        plain = await last(client.send_message(question()))
        found = await client.list_tasks(ListTasksRequest(context_id="portfolio-7"))
        assert [one.id for one in found.tasks] == [told.id]
        found = await client.list_tasks(ListTasksRequest(context_id=plain.id))
        assert [one.id for one in found.tasks] == [plain.id]
    assert (told.context_id, plain.context_id) == ("portfolio-7", plain.id)
    await debates.debates_ended()


# Lists


@pytest.mark.each_database
async def test_the_list_has_ones_own_tasks_page_by_page(
    alice: User, bob: User, site: str, binding: str
) -> None:
    own = [await debates.created(alice, topic=f"Question {number}") for number in range(3)]
    await debates.created(bob)
    await appender.append(own[0].pk, *debates.every_event())
    async with agent(site, alice, binding, "watch") as client:
        first = await client.list_tasks(ListTasksRequest(page_size=2, include_artifacts=True))
        rest = await client.list_tasks(ListTasksRequest(page_size=2, page_token=first.next_page_token))
        done = await client.list_tasks(ListTasksRequest(status=COMPLETED, include_artifacts=True))
        with pytest.raises(InvalidParamsError):
            await client.list_tasks(ListTasksRequest(page_token="x"))
        with pytest.raises(InvalidParamsError):
            await client.list_tasks(ListTasksRequest(page_size=101))
    assert [one.id for one in first.tasks] == [str(own[2].pk), str(own[1].pk)]
    assert [one.id for one in rest.tasks] == [str(own[0].pk)]
    assert (first.total_size, rest.next_page_token, [*rest.tasks[0].artifacts]) == (3, "", [])
    assert [texts(one) for one in done.tasks] == [said(await debates.state(own[0]))]


# Who may


@pytest.mark.parametrize("scheme", ["bearer", "apiKey"])
async def test_both_of_the_cards_schemes_open(
    alice: User, conversation: Conversation, site: str, scheme: str
) -> None:
    async with agent(site, alice, scheme=scheme) as client:
        assert (await client.get_task(GetTaskRequest(id=str(conversation.pk)))).id == str(conversation.pk)


async def test_each_method_wants_its_scope(
    alice: User, conversation: Conversation, site: str, binding: str
) -> None:
    id_ = str(conversation.pk)
    told = Task(id=id_)
    async with agent(site, alice, binding, "watch") as client:
        for refused in (question(), to(told, "And debt?")):
            with pytest.raises(A2AClientError, match="403"):
                await last(client.send_message(refused))
        with pytest.raises(A2AClientError, match="403"):
            await client.cancel_task(CancelTaskRequest(id=id_))
    async with agent(site, alice, binding, "start", "control") as client:
        with pytest.raises(A2AClientError, match="403"):
            await client.get_task(GetTaskRequest(id=id_))
        with pytest.raises(A2AClientError, match="403"):
            await client.list_tasks(ListTasksRequest())
    assert await database.call(Conversation.objects.count) == 1
    assert len(await debates.rows(conversation)) == 1


async def test_a_key_that_is_revoked_in_mid_stream_ends_it(
    alice: User, conversation: Conversation, site: str, settings: Settings, binding: str
) -> None:
    settings.OUTCRY_HEARTBEAT_SECONDS = 0.2  # how often keys are looked at, too
    key, text = await api_keys.made(alice, "watch")
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
        config = ClientConfig(httpx_client=http, supported_protocol_bindings=[binding])
        client = await create_client(site, config, interceptors=[AuthInterceptor(Key(text, "bearer"))])
        stream = client.subscribe(SubscribeToTaskRequest(id=str(conversation.pk)))
        assert (await anext(stream)).HasField("task")
        [watcher] = registry().watchers.values()
        assert watcher.transport == "a2a"
        await database.call(api_keys.revoke, key)
        with pytest.raises(A2AError, match="key or session has ended"):
            await anext(stream)


async def test_a_server_that_stops_says_so_in_the_stream_and_in_the_whole_answer(
    alice: User, site: str, openai: OpenAIServer, binding: str
) -> None:
    openai.answer(says("One ", fault=Fault.STALL, fault_after=1), to="Financial Analyst")
    async with agent(site, alice, binding) as client, agent(site, alice, binding, streams=False) as other:
        stream = client.send_message(question(id_="m-1"))
        await anext(stream)
        waiting = asyncio.create_task(last(other.send_message(question(id_="m-1"))))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(registry().watchers) < 2:
                await asyncio.sleep(0.01)
        await registry().close_all(Close.RESTART)
        with pytest.raises(A2AError, match="was interrupted"):
            await last_of(stream)
        with pytest.raises(A2AError, match="was interrupted"):
            await waiting


async def test_a_cancel_that_is_broken_off_is_no_task(
    alice: User, conversation: Conversation, site: str, binding: str
) -> None:
    """Nobody runs it, so that the cancel waits."""
    async with agent(site, alice, binding) as client:
        asked = CancelTaskRequest(id=str(conversation.pk))
        waiting = asyncio.create_task(client.cancel_task(asked))
        await until_watched()
        await registry().close_all(Close.RESTART)
        with pytest.raises(A2AError, match="was interrupted"):
            await waiting


async def test_a_whole_answer_by_http_has_the_status_of_what_came_of_it(
    alice: User, conversation: Conversation, site: str
) -> None:
    _, text = await api_keys.made(alice)
    headers = {"Authorization": f"Bearer {text}", "A2A-Version": "1.0"}
    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS) as http:
        waiting = asyncio.create_task(http.post(f"{site}/a2a/tasks/{conversation.pk}:cancel"))
        await until_watched()
        await registry().close_all(Close.RESTART)
        answer = await waiting
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (503, 503, "UNAVAILABLE")
    assert error["details"][0]["metadata"] == {"code": "restart", "retryable": "true"}


async def test_what_breaks_off_behind_a_beat_is_cut_off(
    alice: User, conversation: Conversation, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streaming.transports.a2a.task_response.WholeEncoder.keepalive", (0.05, b"\n"))
    _, text = await api_keys.made(alice)
    headers = {"Authorization": f"Bearer {text}", "A2A-Version": "1.0"}
    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS) as http:
        url = f"{site}/a2a/tasks/{conversation.pk}:cancel"
        async with http.stream("POST", url) as answer:
            parts = answer.aiter_bytes()
            assert (await anext(parts)).isspace()
            await registry().close_all(Close.RESTART)
            with pytest.raises(httpx.TransportError):
                assert not b"".join([part async for part in parts]).strip()
    assert answer.status_code == 200


async def until_watched() -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not [watcher for watcher in registry().watchers.values() if watcher.conversation]:
            await asyncio.sleep(0.01)


async def last_of(stream: AsyncIterator[StreamResponse]) -> None:
    async for _ in stream:
        pass


# Bad input


def changed(change: Callable[[SendMessageRequest], object]) -> SendMessageRequest:
    asked = question()
    change(asked)
    return asked


BAD: list[tuple[Callable[[SendMessageRequest], object], type[A2AError]]] = [
    (lambda asked: asked.message.ClearField("parts"), InvalidParamsError),
    (lambda asked: asked.message.ClearField("message_id"), InvalidParamsError),
    (lambda asked: asked.message.parts[0].CopyFrom(new_text_part(" ")), InvalidParamsError),
    (lambda asked: asked.message.parts[0].CopyFrom(new_text_part("x" * 501)), InvalidParamsError),
    (lambda asked: asked.message.parts[0].CopyFrom(new_text_part("a\0b")), InvalidParamsError),
    (lambda asked: asked.message.parts.add().CopyFrom(new_data_part({"rounds": 99})), InvalidParamsError),
    (lambda asked: asked.message.parts.add().CopyFrom(new_data_part({"panel": "x"})), InvalidParamsError),
    (lambda asked: asked.message.parts.add().CopyFrom(new_data_part({"nonsense": 1})), InvalidParamsError),
    (lambda asked: asked.message.parts.add().CopyFrom(new_data_part(["rounds"])), InvalidParamsError),
    (lambda asked: asked.message.parts.add().CopyFrom(Part(raw=b"x")), ContentTypeNotSupportedError),
    (
        lambda asked: asked.message.parts.add().CopyFrom(Part(url="https://x.example")),
        ContentTypeNotSupportedError,
    ),
    (lambda asked: setattr(asked.message, "role", Role.ROLE_AGENT), InvalidParamsError),
    (lambda asked: setattr(asked.message, "message_id", "x" * 201), InvalidParamsError),
    (lambda asked: setattr(asked.message, "message_id", "a\0b"), InvalidParamsError),
    (lambda asked: setattr(asked.message, "context_id", "x" * 191), InvalidParamsError),
    (lambda asked: setattr(asked.message, "task_id", "nonsense"), TaskNotFoundError),
    (lambda asked: setattr(asked.message, "task_id", str(uuid4())), TaskNotFoundError),
    (
        lambda asked: asked.configuration.task_push_notification_config.CopyFrom(
            TaskPushNotificationConfig(url="https://x.example")
        ),
        PushNotificationNotSupportedError,
    ),
]


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
async def test_what_cannot_be_is_refused_in_the_protocols_own_words(
    alice: User, site: str, binding: str, streams: bool
) -> None:
    async with agent(site, alice, binding, streams=streams) as client:
        for change, error in BAD:
            with pytest.raises(error):
                await last(client.send_message(changed(change)))
        for asked in ("nonsense", str(uuid4())):
            with pytest.raises(TaskNotFoundError):
                await client.get_task(GetTaskRequest(id=asked))
            with pytest.raises(TaskNotFoundError):
                await client.cancel_task(CancelTaskRequest(id=asked))
            if streams:
                with pytest.raises(TaskNotFoundError):
                    await last(client.subscribe(SubscribeToTaskRequest(id=asked)))
    assert await database.call(Conversation.objects.count) == 0


RPC = b'{"jsonrpc": "2.0", "id": 1, "method": "%s", "params": %s}'
# Text and one number that JSON's own readers take, and nobody can spend.
NO_NUMBER = b'{"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "x"}, {"data": {"max_usd": %s}}]}}'
NO_NUMBERS = [b"1e400", b"-1e400", b"NaN", b"1e300"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 200, -32700),
        (b"{", 200, -32700),
        (b"\xff", 422, -32602),
        (b"[]", 200, -32600),
        (b"17", 200, -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "GetTask"}', 200, -32600),
        (RPC % (b"Nonsense", b"{}"), 200, -32601),
        (RPC % (b"SendMessage", b"[]"), 200, -32602),
        (RPC % (b"SendMessage", b'{"message": 1}'), 200, -32602),
        (RPC % (b"SendStreamingMessage", b'{"message": {"parts": "x"}}'), 200, -32602),
        (RPC % (b"message/send", b'{"message": 1}'), 200, -32600),
        (RPC % (b"tasks/resubscribe", b'{"id": 1}'), 200, -32600),
        *((RPC % (b"SendMessage", NO_NUMBER % number), 200, -32602) for number in NO_NUMBERS),
        *((RPC % (b"SendStreamingMessage", NO_NUMBER % number), 200, -32602) for number in NO_NUMBERS),
        (b'{"id": "\\ud800"}', 422, -32602),
        (b"[" * 100_000, 422, -32602),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else None,
)
async def test_a_body_that_is_no_call_gets_json_rpcs_error(
    alice: User, site: str, body: bytes, status: int, code: int
) -> None:
    _, text = await api_keys.made(alice)
    headers = {"Authorization": f"Bearer {text}", "A2A-Version": "1.0"}
    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS) as http:
        answer = await http.post(f"{site}/a2a/", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert await database.call(Conversation.objects.count) == 0


async def test_a_refusal_names_the_call_that_it_is_for(
    alice: User, conversation: Conversation, site: str
) -> None:
    _, text = await api_keys.made(alice, "start")
    good = {"Authorization": f"Bearer {text}", "A2A-Version": "1.0"}
    call = {"jsonrpc": "2.0", "id": "call-7", "method": "GetTask", "params": {"id": str(conversation.pk)}}
    asked: list[tuple[int, str | int | None, dict[str, Any]]] = [
        (403, "call-7", {"headers": good, "json": call}),
        (401, "call-7", {"json": call}),
        (422, "call-7", {"headers": {**good, "Host": "evil.example"}, "json": call}),
        (401, 7, {"json": {**call, "id": 7}}),
        (401, None, {"json": {**call, "id": True}}),
        (401, None, {"content": b"{"}),
        (422, None, {"headers": good, "content": b"\xff"}),
        (413, None, {"headers": good, "json": {**call, "more": "x" * 8 * 1024 * 1024}}),
    ]
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
        answers = [await http.post(f"{site}/a2a/", **kwargs) for *_, kwargs in asked]
    assert [(answer.status_code, answer.json()["id"]) for answer in answers] == [
        (status, id_) for status, id_, _ in asked
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "message:send", b"{", 400),
        ("POST", "message:stream", b'{"message": 1}', 400),
        *(("POST", "message:send", NO_NUMBER % number, 400) for number in NO_NUMBERS),
        *(("POST", "message:stream", NO_NUMBER % number, 400) for number in NO_NUMBERS),
        ("POST", "message:send", b"\xff", 422),
        ("POST", "message:send", b'{"x": "\\ud800"}', 422),
        ("GET", "message:send", b"", 405),
        ("PUT", "tasks", b"", 405),
        ("GET", "nonsense", b"", 404),
        ("GET", "tasks?pageSize=x", b"", 400),
        ("GET", f"tasks/{UUID(int=1)}", b"", 404),
        ("POST", f"tasks/{UUID(int=1)}:subscribe", b"", 404),
        ("GET", "extendedAgentCard", b"", 400),
    ],
)
async def test_a_request_that_is_none_gets_https_error(
    alice: User, site: str, method: str, path: str, body: bytes, status: int
) -> None:
    _, text = await api_keys.made(alice)
    headers = {"Authorization": f"Bearer {text}", "A2A-Version": "1.0"}
    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS) as http:
        answer = await http.request(method, f"{site}/a2a/{path}", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)
    assert await database.call(Conversation.objects.count) == 0


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
async def test_a_fault_of_ours_is_not_told(
    alice: User, site: str, binding: str, streams: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr("conversations.services.debates.start", fail)
    async with agent(site, alice, binding, streams=streams) as client:
        with pytest.raises(A2AError, match="internal error") as failure:
            await last(client.send_message(question()))
    assert "secret" not in repr(failure.value)


# On the wire


async def test_silence_is_filled_before_clients_give_up(
    alice: User, site: str, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "streaming.transports.a2a.task_response.UpdatesEncoder.keepalive", (0.05, b": still here\n")
    )
    monkeypatch.setattr("streaming.transports.a2a.task_response.WholeEncoder.keepalive", (0.05, b"\n"))
    gate = Gate()
    openai.answer(says("One ", gate=gate), to="Financial Analyst")
    async with agent(site, alice) as client:
        told = (await anext(client.send_message(question(id_="m-1")))).task
    _, text = await api_keys.made(alice)
    headers = {"Authorization": f"Bearer {text}", "A2A-Version": "1.0"}
    asked = MessageToDict(question(id_="m-1"))
    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS) as http:
        url = f"{site}/a2a/tasks/{told.id}:subscribe"
        async with http.stream("POST", url) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.aiter_lines():
                if line == ": still here":
                    break
        async with http.stream("POST", f"{site}/a2a/message:send", json=asked) as answer:
            parts = answer.aiter_bytes()
            assert (await anext(parts)).isspace()
            gate.open()
            rest = b"".join([part async for part in parts])
    whole = ParseDict(json.loads(rest), SendMessageResponse()).task
    assert (whole.id, whole.status.state) == (told.id, COMPLETED)


async def test_the_methods_of_03_have_their_old_names(alice: User, site: str, openai: OpenAIServer) -> None:
    _, text = await api_keys.made(alice)
    message = {"messageId": "m-1", "role": "user", "parts": [{"kind": "text", "text": "Buy?"}]}
    async with httpx.AsyncClient(headers={"X-API-Key": text}, timeout=PATIENCE_SECONDS) as http:

        async def call(method: str, **params: Any) -> Any:
            body = {"jsonrpc": "2.0", "id": method, "method": method, "params": params}
            answer = await http.post(f"{site}/a2a/", json=body)
            if not answer.headers["content-type"].startswith("text/event-stream"):
                return answer.json()
            return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]

        streamed = await call("message/stream", message=message)
        sent = await call("message/send", message=message)
        got = await call("tasks/get", id=sent["result"]["id"])
        refused = await call("tasks/cancel", id=sent["result"]["id"])
        ended = await call("tasks/resubscribe", id=sent["result"]["id"])
        gate = Gate()
        openai.answer(says("One ", gate=gate), to="Financial Analyst")
        new = {"messageId": "m-2", "role": "user", "parts": [{"kind": "text", "text": "Sell?"}]}
        waiting = await call("message/send", message=new, configuration={"blocking": False})
        cancelled = await call("tasks/cancel", id=waiting["result"]["id"])
    assert streamed[0]["result"]["kind"] == "task"
    assert streamed[-1]["result"]["status"]["state"] == "completed"
    assert {item["id"] for item in streamed} == {"message/stream"}
    assert got["result"] == sent["result"]
    assert (refused["error"]["code"], ended["error"]["code"]) == (-32002, -32004)
    assert cancelled["result"]["status"]["state"] == "canceled"


async def test_the_card_says_what_there_is(site: str) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{site}/.well-known/agent-card.json")
        elsewhere = await http.get(f"{site}/.well-known/agent-card.json", headers={"Host": "127.0.0.1:81"})
        head = await http.head(f"{site}/.well-known/agent-card.json")
        refused = await http.post(f"{site}/.well-known/agent-card.json")
    card = ParseDict(answer.json(), AgentCard(), ignore_unknown_fields=True)
    validate_proto_required_fields(card)
    # No header of a request changes where it leads.
    assert elsewhere.json() == answer.json()
    found = [(one.url, one.protocol_binding, one.protocol_version) for one in card.supported_interfaces]
    assert found == [
        (f"{site}/a2a/", "JSONRPC", "1.0"),
        (f"{site}/a2a", "HTTP+JSON", "1.0"),
        (f"{site}/a2a/", "JSONRPC", "0.3"),
    ]
    assert [skill.id for skill in card.skills] == ["debate", "general-assistant", "data-team"]
    assert card.capabilities.streaming
    assert not card.capabilities.push_notifications
    schemes = {name: scheme.WhichOneof("scheme") for name, scheme in card.security_schemes.items()}
    assert schemes == {"bearer": "http_auth_security_scheme", "apiKey": "api_key_security_scheme"}
    assert card.security_schemes["apiKey"].api_key_security_scheme.name == "X-API-Key"
    assert [[*one.schemes] for one in card.security_requirements] == [["bearer"], ["apiKey"]]
    # As clients of 0.3 read it.
    compat = AgentCard03.model_validate(answer.json())
    assert (compat.url, compat.protocol_version) == (f"{site}/a2a/", "0.3")
    assert (head.status_code, head.content, refused.status_code) == (200, b"", 405)


async def test_the_recipe_runs(alice: User, site: str, openai: OpenAIServer) -> None:
    section = (ROOT / "docs" / "clients.md").read_text().split("### a2a-sdk (Python)")[1]
    recipe = section.split("```python\n")[1].split("```")[0]
    _, text = await api_keys.made(alice)
    environment = {**os.environ, "OUTCRY_URL": site, "OUTCRY_KEY": text}
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", recipe, env=environment, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await program.communicate()
    conversation = await database.call(Conversation.objects.get)
    assert (program.returncode, conversation.content_type) == (0, "news")
    for message in (await debates.state(conversation))["messages"]:
        if message["agent"] != "Moderator":
            assert f"## {message['agent']}\n\n{message['text']}" in printed.decode()
    assert '"buy"' in printed.decode()


# What is told


async def test_a_demo_says_so(alice: User, site: str, settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["demo"]
    settings.OUTCRY_DEMO_TOKENS_PER_SECOND = 10_000
    async with agent(site, alice) as client:
        told = await last(client.send_message(question()))
    assert told.metadata["mode"] == "demo"
    assert "Simulated" in get_message_text(told.status.message)
    assert {artifact.name.endswith("(simulated)") for artifact in told.artifacts} == {True}
    assert {artifact.metadata["mode"] for artifact in told.artifacts} == {"demo"}
    assert {artifact.description.startswith("Simulated") for artifact in told.artifacts} == {True}


async def test_what_a_failing_model_said_is_taken_back(
    alice: User, site: str, settings: Settings, openai: OpenAIServer
) -> None:
    openai.answer(says("Half ", "a sen", fault=Fault.RESET, fault_after=2), to="Financial Analyst", times=3)
    told, before = None, dict[str, str]()
    async with agent(site, alice) as client:
        async for answer in client.send_message(question()):
            told = fold(told, answer)
            before |= texts(told)
        assert told is not None
        assert await client.get_task(GetTaskRequest(id=told.id)) == told
    taken = [artifact for artifact in told.artifacts if "discarded" in artifact.metadata]
    assert taken
    assert {get_artifact_text(artifact) for artifact in taken} == {""}
    assert any("Half " in text for text in before.values())
    assert not any("Half" in text for text in texts(told).values())


IDS = TaskIds(task_id=str(CONVERSATION), context_id="context")


@pytest.mark.parametrize("left_out", ["human_message", "input_expired"])
def test_question_is_told_when_the_previous_answer_is_left_out(left_out: str) -> None:
    start, first, second = debates.message_start(uuid4()), uuid4(), uuid4()
    became: EventData = HumanMessage(author="alice", text="Five years", reply_to=first)
    if left_out == "input_expired":
        became = InputExpired(request=first)
    told = [
        start,
        debates.input_request(start, first, "Which horizon?"),
        debates.status(Status.AWAITING_INPUT),
        became,
        debates.status(Status.ACTIVE),
        debates.input_request(start, second, "Which currency?"),
        debates.status(Status.AWAITING_INPUT),
    ]
    frames = [frame for frame in framed(told) if frame.type != left_out]
    teller, stands = TaskUpdates(IDS), task.empty(IDS)
    questions = []
    for frame in frames:
        task.apply(stands, teller.take(frame))
        if stands.status.state == TaskState.TASK_STATE_INPUT_REQUIRED:
            questions.append(get_message_text(stands.status.message))
    assert [*dict.fromkeys(questions)] == ["Which horizon?", "Which currency?"]


@given(st.data())
@hypothesis_settings(max_examples=200)
def test_a_task_and_what_follows_are_the_task_of_later(data: st.DataObject) -> None:
    story = data.draw(stories.stories())
    frames = framed(story)
    cut = data.draw(st.integers(0, len(frames)))
    teller, told = TaskUpdates(IDS), task.empty(IDS)
    for frame in condense(frames[:cut]):
        task.apply(told, teller.take(frame))
    # Joined and not, the rest says the same.
    rest = frames[cut:] if data.draw(st.booleans()) else condense(frames[cut:])
    for frame in rest:
        task.apply(told, teller.take(frame))
    words = said(transcript.fold(stories.rows(story)))
    assert {id_: text for id_, text in texts(told).items() if text} == words
    whole, again = TaskUpdates(IDS), task.empty(IDS)
    for frame in frames:
        task.apply(again, whole.take(frame))
    assert texts(again) == texts(told)
    assert again.status.state == told.status.state
    assert verdict(again) == verdict(told)
