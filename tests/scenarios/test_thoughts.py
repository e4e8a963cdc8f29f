"""What agents think: apart from what they say on every door, and gone over when a debate is interrupted."""

import io
import json
from uuid import UUID

import pytest
from a2a.helpers import get_artifact_text
from django.contrib.auth.models import User
from pytest_django import Settings
from rich.console import Console

from conversations.domain import markdown
from conversations.domain.errors import Conflict
from conversations.domain.frames import Frame
from conversations.domain.requests import Input
from conversations.models import Conversation
from conversations.runs import supervisor
from conversations.services import debates as services
from streaming.transports.a2a import task
from streaming.transports.openai.encoder import ChunkEncoder, WholeEncoder
from streaming.transports.terminal.view import DebateView
from streaming.wire.close_codes import Close
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate
from tests.recordings.make import read
from tests.support import debates
from tests.support.servers import ROOT

CONVERSATION = UUID(int=1)
SAID, THOUGHT = "Margins rose.", "Margins or cash?"


def frames() -> list[Frame]:
    recording = read(ROOT / "tests" / "recordings" / "thinking.jsonl")
    return [Frame.decode(json.dumps(frame), CONVERSATION) for frame in recording["events"]]


# Doors


def test_openais_chunks_have_thoughts_as_reasoning_content() -> None:
    encoder = ChunkEncoder({"id": "c", "created": 1, "model": "m"}, 2, "https://site/d", include_usage=False)
    lines = b"".join(map(encoder.event, frames())).decode().split("\n\n")
    deltas = [json.loads(line.removeprefix("data: "))["choices"][0]["delta"] for line in lines if line]
    text = "".join(delta.get("content", "") for delta in deltas)
    thoughts = "".join(delta.get("reasoning_content", "") for delta in deltas)
    assert SAID in text
    assert THOUGHT not in text
    assert thoughts.startswith(THOUGHT)


def test_openais_whole_answer_has_thoughts_as_reasoning_content() -> None:
    encoder = WholeEncoder({"id": "c", "created": 1, "model": "m"}, 2, "https://site/d")
    for frame in frames():
        encoder.event(frame)
    message = json.loads(encoder.end(Close.ENDED))["choices"][0]["message"]
    assert message["reasoning_content"].startswith(THOUGHT)
    assert THOUGHT not in message["content"]


def test_a2a_the_terminal_and_deliveries_leave_thoughts_out() -> None:
    ids: task.TaskIds = {"task_id": "t", "context_id": "c"}
    updates = task.TaskUpdates(ids)
    told = task.apply(task.empty(ids), (update for frame in frames() for update in updates.take(frame)))
    printed = io.StringIO()
    show = DebateView(Console(file=printed, width=200))
    for frame in frames():
        show.event(frame)
    delivered = markdown.whole("Tarnwick", "", [(each.seq, each.type, dict(each.data)) for each in frames()])
    for text in ("\n".join(map(get_artifact_text, told.artifacts)), printed.getvalue(), delivered):
        assert SAID in text
        assert THOUGHT not in text


# Runs


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return debates.create(alice)


async def test_an_interrupted_thought_is_discarded_and_the_debate_goes_on(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("Well. "), to="Financial Analyst")
    openai.answer(says("<think>Hm. ", "More. ", "</think>", "Rates.", gate=gate), to="Market Context")
    await debates.cut(conversation, gate, word="Hm. ")
    gate.open()
    await supervisor.run(conversation.pk)
    state = await debates.state(conversation)
    assert state["status"] == "completed"
    assert [
        (message["kind"], message["state"], message["discard_reason"])
        for message in state["messages"]
        if message["state"] == "discarded"
    ] == [("thinking", "discarded", "interrupted"), ("analysis", "discarded", "interrupted")]
    spoken = [message for message in state["messages"] if message["state"] == "done"]
    assert [message["agent"] for message in spoken] == [
        "Financial Analyst",
        "Market Context",
        "Risk Challenger",
        "Moderator",
    ]
    assert state["complete"]["cost_summary"]["unpriced_messages"] == 5


async def test_a_finished_thought_does_not_stand_for_a_turn(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("<think>Hm. </think>", "Rates ", "fall.", gate=gate), to="Financial Analyst")
    await debates.cut(conversation, gate, word="Hm. ")
    gate.open()
    await supervisor.run(conversation.pk)
    state = await debates.state(conversation)
    done = [message["kind"] for message in state["messages"] if message["state"] == "done"]
    assert done.count("analysis") == 3
    assert state["complete"]["verdict"] == "buy"


async def test_nobody_is_heard_while_the_moderator_thinks(
    conversation: Conversation, openai: OpenAIServer, alice: User, settings: Settings
) -> None:
    gate = Gate()
    # An answer in one piece has no thoughts before its end.
    refusal = '{"error": {"message": "Only streaming is supported."}}'
    openai.refuses = lambda body: None if body["stream"] else refusal
    openai.answer(says("<think>Hm. ", "</think>", "{}", gate=gate), to="Moderator")
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    gate.let()
    await debates.until_stored(conversation, "message_start", kind="thinking")
    with pytest.raises(Conflict, match="last answer"):
        await services.say(alice, conversation.pk, Input.parse({"text": "Wait."}))
    gate.open()
    await run
