"""What Outcry relies on in AG2, each tried against the real library and a real HTTP stand-in.

AG2's streams differ from release to release; where one of these fails, `conversations.agents` has to change."""

import asyncio
import importlib.metadata
import json
from typing import Any

import ag2
import httpx2
import openai
import pytest
from ag2.config import OpenAIConfig
from ag2.context import ConversationContext
from ag2.events import (
    BaseEvent,
    HumanInputRequest,
    HumanMessage,
    ModelMessage,
    ModelMessageChunk,
    ModelRequest,
    ModelResponse,
    TextInput,
    ToolCallEvent,
    ToolErrorEvent,
    ToolNotFoundEvent,
    ToolResultEvent,
    UsageEvent,
)
from pydantic import BaseModel, ValidationError

from conversations.agents.tools import ask_human
from conversations.orchestration.verdict import VerdictAnswer
from tests.fakes.openai_server import MODEL, OpenAIServer
from tests.fakes.replies import Fault, asks, fails, says, verdict

pytestmark = pytest.mark.usefixtures("openai")


class Recorder(ag2.MemoryStream):
    """Keeps every event, in the order in which AG2 sends them."""

    __slots__ = ("events",)

    def __init__(self) -> None:
        super().__init__()
        self.events: list[BaseEvent] = []

    async def send(self, event: BaseEvent, context: ConversationContext) -> None:
        self.events.append(event)
        await super().send(event, context)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def config(server: OpenAIServer, *, streaming: bool = True, **more: Any) -> OpenAIConfig:
    return OpenAIConfig(
        MODEL, api_key="none", base_url=server.url, streaming=streaming, max_retries=0, **more
    )


async def ask(
    server: OpenAIServer, stream: Recorder, *, schema: type[BaseModel] | None = None, streaming: bool = True
) -> Any:
    agent = ag2.Agent(
        "somebody", "You are somebody.", config=config(server, streaming=streaming), response_schema=schema
    )
    return await agent.ask("Speak.", stream=stream)


def test_this_is_the_release_that_was_tried() -> None:
    assert importlib.metadata.version("ag2") == "1.2.1"


async def test_chunks_come_on_the_stream_one_for_one(openai: OpenAIServer) -> None:
    openai.answer(says("One ", "two ", "three."))
    stream = Recorder()
    reply = await ask(openai, stream)
    assert [chunk.content for chunk in stream.of(ModelMessageChunk)] == ["One ", "two ", "three."]
    assert reply.body == "One two three."


async def test_without_streaming_there_are_no_chunks(openai: OpenAIServer) -> None:
    openai.answer(says("Whole."))
    stream = Recorder()
    reply = await ask(openai, stream, streaming=False)
    assert stream.of(ModelMessageChunk) == []
    assert reply.body == "Whole."


async def test_the_history_is_what_it_is_replaced_with(openai: OpenAIServer) -> None:
    stream = Recorder()
    await stream.history.replace(
        [ModelRequest([TextInput("[Other]: Hello.")]), ModelResponse(ModelMessage("I said this."))]
    )
    await ask(openai, stream)
    assert [(said["role"], said["content"]) for said in openai.asked[0].messages] == [
        ("system", "You are somebody."),
        ("user", "[Other]: Hello."),
        ("assistant", "I said this."),
        ("user", "Speak."),
    ]


@pytest.mark.parametrize("reason", ["stop", "length"])
async def test_the_reply_says_why_it_ended(openai: OpenAIServer, reason: str) -> None:
    openai.answer(says("One.", finish_reason=reason))
    assert (await ask(openai, Recorder())).response.finish_reason == reason


async def test_a_connection_that_closed_half_way_raises_nothing_and_has_no_reason(
    openai: OpenAIServer,
) -> None:
    openai.answer(says("One ", "two", fault=Fault.CLOSE, fault_after=1))
    reply = await ask(openai, Recorder())
    assert (reply.body, reply.response.finish_reason) == ("One ", None)


@pytest.mark.parametrize("streaming", [True, False])
async def test_there_is_one_usage_event_a_call(openai: OpenAIServer, streaming: bool) -> None:
    openai.answer(says("One.", usage=(11, 3)))
    stream = Recorder()
    await ask(openai, stream, streaming=streaming)
    [event] = stream.of(UsageEvent)
    assert (event.usage.prompt_tokens, event.usage.completion_tokens) == (11, 3)


async def test_usage_that_was_not_told_is_none_and_not_zero(openai: OpenAIServer) -> None:
    openai.answer(says("One.", usage=None))
    stream = Recorder()
    await ask(openai, stream)
    assert [event.usage.prompt_tokens for event in stream.of(UsageEvent)] in ([], [None])


async def test_a_schema_is_asked_for_and_validated(openai: OpenAIServer) -> None:
    openai.answer(verdict())
    reply = await ask(openai, Recorder(), schema=VerdictAnswer, streaming=False)
    value = await reply.content(retries=0)
    assert isinstance(value, VerdictAnswer)
    asked = openai.asked[0].body["response_format"]["json_schema"]["schema"]
    assert set(asked["required"]) == set(VerdictAnswer.model_fields)
    assert asked["additionalProperties"] is False


async def test_an_invalid_answer_is_asked_for_again_on_the_same_stream(openai: OpenAIServer) -> None:
    openai.answer(says("No JSON."), verdict())
    stream = Recorder()
    reply = await ask(openai, stream, schema=VerdictAnswer, streaming=False)
    assert isinstance(await reply.content(retries=1), VerdictAnswer)
    assert len(stream.of(UsageEvent)) == 2
    assert openai.asked[1].messages[-2]["content"] == "No JSON."


async def test_an_answer_that_stays_invalid_raises_a_validation_error(openai: OpenAIServer) -> None:
    openai.answer(says("No JSON."), says("Still none."))
    reply = await ask(openai, Recorder(), schema=VerdictAnswer, streaming=False)
    with pytest.raises(ValidationError):
        await reply.content(retries=1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
async def test_the_librarys_errors_come_through_with_their_status(
    openai: OpenAIServer, status: int, kind: type[openai.APIStatusError]
) -> None:
    openai.answer(fails(status, retry_after=60))
    with pytest.raises(kind) as failed:
        await ask(openai, Recorder())
    assert failed.value.status_code == status
    assert len(openai.asked) == 1


async def test_a_client_of_ones_own_carries_the_request(openai: OpenAIServer) -> None:
    async with httpx2.AsyncClient(headers={"x-ours": "yes"}) as client:
        agent = ag2.Agent("somebody", "You are somebody.", config=config(openai, http_client=client))
        await agent.ask("Speak.", stream=Recorder())
        assert not client.is_closed
    assert openai.asked[0].headers["x-ours"] == "yes"


def test_tool_errors_are_kinds_of_tool_results() -> None:
    assert issubclass(ToolErrorEvent, ToolResultEvent)
    assert issubclass(ToolNotFoundEvent, ToolResultEvent)
    call = ToolCallEvent(id="c1", name="quote", arguments=json.dumps({"of": "HLDN"}))
    assert (call.id, call.name, call.arguments) == ("c1", "quote", '{"of": "HLDN"}')


# Asking a person


async def ask_with_tool(server: OpenAIServer, stream: Recorder, put: ask_human.Ask) -> Any:
    agent = ag2.Agent("somebody", "You are somebody.", config=config(server), **ask_human.options(put))
    return await agent.ask("Speak.", stream=stream)


async def test_a_tool_asks_a_person_through_the_hook_and_the_model_goes_on(openai: OpenAIServer) -> None:
    openai.answer(asks("Which horizon?", after=["Well. "]), says("Buy."))
    put: list[str] = []

    async def person(question: str) -> str:
        put.append(question)
        return "Five years."

    stream = Recorder()
    reply = await ask_with_tool(openai, stream, person)
    assert put == ["Which horizon?"]
    assert (reply.body, reply.response.finish_reason) == ("Buy.", "stop")
    # The chunks before and after the call are on one stream, and each of the two calls is counted.
    assert [chunk.content for chunk in stream.of(ModelMessageChunk)] == ["Well. ", "Buy."]
    assert len(stream.of(UsageEvent)) == 2
    [call], [result] = stream.of(ToolCallEvent), stream.of(ToolResultEvent)
    assert (call.name, json.loads(call.arguments)) == ("ask_the_owner", {"question": "Which horizon?"})
    assert result.parent_id == call.id
    assert [said["content"] for said in openai.asked[1].messages if said["role"] == "tool"] == ["Five years."]
    [request], [answer] = stream.of(HumanInputRequest), stream.of(HumanMessage)
    assert (request.content, answer.parent_id) == ("Which horizon?", request.id)


async def test_the_model_is_told_what_the_tool_takes(openai: OpenAIServer) -> None:
    async def nobody(_: str) -> str:
        raise AssertionError

    await ask_with_tool(openai, Recorder(), nobody)
    [offered] = openai.asked[0].body["tools"]
    function = offered["function"]
    assert function["name"] == "ask_the_owner"
    assert "one short question" in function["description"]
    assert function["parameters"]["required"] == ["question"]
    assert set(function["parameters"]["properties"]) == {"question"}


async def test_cancelled_while_a_person_is_asked_the_turn_ends_at_once(openai: OpenAIServer) -> None:
    openai.answer(asks("Which horizon?"))
    put = asyncio.Event()

    async def person(_: str) -> str:
        put.set()
        await asyncio.Event().wait()
        return "never"

    asking_ = asyncio.create_task(ask_with_tool(openai, Recorder(), person))
    async with asyncio.timeout(20):
        await put.wait()
        asking_.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking_
