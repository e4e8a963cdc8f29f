"""What a model thinks: a message of its own before the turn's, and no speech."""

import json

import pytest
from pytest_django import Settings

from conversations.domain import transcript
from conversations.domain.events import (
    AgentMessage,
    Complete,
    EventData,
    MessageDiscard,
    MessageStart,
    Token,
    dump,
)
from conversations.providers.catalog import DEMO
from tests.fakes import odd_streams
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import VERDICT, Fault, says, sends
from tests.support.held import debate, fold, hold, only

FIRST = "Financial Analyst"


def of(message: object, events: list[EventData]) -> list[EventData]:
    return [event for event in events if getattr(event, "message", None) == message]


@pytest.mark.parametrize("kind", odd_streams.THINKING)
async def test_thoughts_are_a_message_before_the_turns(openai: OpenAIServer, kind: str) -> None:
    openai.answer(sends(odd_streams.THINKING[kind]), to=FIRST)
    events = await hold(debate(openai))
    thought, spoken = only(AgentMessage, events)[:2]
    assert (thought.kind, thought.content, thought.agent) == ("thinking", "Secret thoughts.", FIRST)
    assert (spoken.kind, spoken.content) == ("analysis", odd_streams.TEXT)
    assert (thought.cost, thought.usage.output_tokens) == (None, None)
    types = [event.type for event in of(thought.message, events)]
    assert types == ["message_start", *["token"] * (len(types) - 2), "agent_message"]
    assert "".join(event.text for event in only(Token, of(thought.message, events))) == thought.content
    # In the state they stand before the message, which had begun.
    assert [message["kind"] for message in fold(events)["messages"][:2]] == ["thinking", "analysis"]


async def test_thoughts_are_in_no_digest_and_in_no_cost(openai: OpenAIServer) -> None:
    openai.answer(sends(odd_streams.THINKING["deepseek: reasoning_content"]), to=FIRST)
    events = await hold(debate(openai))
    spoken = [message for message in only(AgentMessage, events) if message.kind != "thinking"]
    complete = only(Complete, events)[0]
    assert complete.transcript_sha256 == transcript.digest(spoken)
    assert transcript.digest(only(AgentMessage, events)) == transcript.digest(spoken)
    assert complete.cost_summary.unpriced_messages == len(spoken) == 4


async def test_a_moderators_thoughts_are_told_though_it_is_not_streamed(openai: OpenAIServer) -> None:
    openai.answer(says(f"<think>Secret.</think>{json.dumps(VERDICT)}"), to="Moderator")
    events = await hold(debate(openai))
    thought, verdict = only(AgentMessage, events)[-2:]
    assert (thought.kind, thought.content) == ("thinking", "Secret.")
    assert (verdict.kind, verdict.content) == ("final", VERDICT["summary"])
    assert only(Token, of(verdict.message, events)) == []


async def test_a_closing_tag_alone_makes_thoughts_of_what_was_said(openai: OpenAIServer) -> None:
    openai.answer(says("Secret ", "thoughts.", "</think>", "Margins ", "rose."), to=FIRST)
    events = await hold(debate(openai))
    state = fold([event for event in events if not isinstance(event, AgentMessage)])
    spoken = next(message for message in state["messages"] if message["kind"] == "analysis")
    # Tokens alone make the same text.
    assert spoken["text"] == "Margins rose."


async def test_thoughts_of_a_turn_that_fails_are_discarded_with_it(
    openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_STALL_SECONDS = 0.3
    openai.answer(says("<think>", "Hm. ", fault=Fault.STALL, fault_after=2), to=FIRST)
    events = await hold(debate(openai, DEMO))
    began = [start.message for start in only(MessageStart, events)[:2]]
    assert [start.kind for start in only(MessageStart, events)[:2]] == ["analysis", "thinking"]
    assert [discard.message for discard in only(MessageDiscard, events)] == began
    assert {dump(discard)["reason"] for discard in only(MessageDiscard, events)} == {"provider_timeout"}


async def test_thoughts_between_words_are_bounded(openai: OpenAIServer) -> None:
    chunks = []
    for number in range(20):
        chunks += [odd_streams.chunk(reasoning="Hm."), odd_streams.chunk(content=f"{number} ")]
    openai.answer(sends(odd_streams.stream(*chunks, odd_streams.STOP)), to=FIRST)
    events = await hold(debate(openai))
    kinds = [message.kind for message in only(AgentMessage, events)]
    assert kinds.count("thinking") == 8
    spoken = next(message for message in only(AgentMessage, events) if message.kind == "analysis")
    assert spoken.content == "".join(f"{number} " for number in range(20))
