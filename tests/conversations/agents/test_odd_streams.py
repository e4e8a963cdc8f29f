"""Answers as servers really send them, over real HTTP: what carries nothing is skipped, and the rest is read."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pytest_django import Settings

from conversations.domain.errors import ProviderError
from conversations.domain.events import AgentMessage, Fallback, InputRequest, MessageDiscard, Token, dump
from conversations.domain.frames import Frame
from tests.fakes import odd_streams
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import asks, calls, says, sends
from tests.support.held import debate, hold, only

FIRST = "Financial Analyst"


@pytest.mark.parametrize("kind", odd_streams.WHOLE)
async def test_an_answer_is_read_however_a_server_sends_it(openai: OpenAIServer, kind: str) -> None:
    openai.answer(sends(odd_streams.WHOLE[kind]), to=FIRST)
    events = await hold(debate(openai))
    assert only(AgentMessage, events)[0].content == odd_streams.TEXT


async def test_counts_are_read_from_a_chunk_without_choices(openai: OpenAIServer) -> None:
    openai.answer(sends(odd_streams.WHOLE["vllm: usage with choices null"]), to=FIRST)
    usage = only(AgentMessage, await hold(debate(openai)))[0].usage
    assert (usage.input_tokens, usage.output_tokens) == (9, 3)


async def test_a_whole_answer_to_a_wanted_stream_is_taken(openai: OpenAIServer) -> None:
    openai.answer(sends(odd_streams.WHOLE_ANSWER, "application/json"), to=FIRST)
    events = await hold(debate(openai))
    message = only(AgentMessage, events)[0]
    assert message.content == odd_streams.TEXT
    assert [each.text for each in only(Token, events) if each.message == message.message] == [
        odd_streams.TEXT
    ]


@pytest.mark.parametrize("kind", odd_streams.NO_ANSWER)
async def test_status_200_without_an_answer_says_what_to_check(openai: OpenAIServer, kind: str) -> None:
    openai.answer(sends(*odd_streams.NO_ANSWER[kind]), to=FIRST)
    with pytest.raises(ProviderError) as failed:
        await hold(debate(openai))
    assert failed.value.reason == "provider_wrong_address"
    assert "OUTCRY_PROVIDERS; most end in /v1." in failed.value.message


async def test_text_that_cannot_be_seen_is_an_empty_answer(openai: OpenAIServer) -> None:
    openai.answer(says("\u200b", "\ufeff\u2060"), to=FIRST, times=2)
    with pytest.raises(ProviderError) as failed:
        await hold(debate(openai))
    assert failed.value.reason == "provider_empty"


@pytest.mark.parametrize("to", [FIRST, "Moderator"])
async def test_one_huge_chunk_is_a_model_that_does_not_end(openai: OpenAIServer, to: str) -> None:
    openai.answer(says("x" * 1_500_000), to=to)
    with pytest.raises(ProviderError) as failed:
        await hold(debate(openai))
    assert failed.value.reason == "provider_looped"


async def test_an_event_without_end_is_not_kept_in_memory(openai: OpenAIServer) -> None:
    openai.answer(sends(b"data: " + b"x" * 5_000_000), to=FIRST)
    with pytest.raises(ProviderError) as failed:
        await hold(debate(openai))
    assert failed.value.reason == "provider_looped"


async def test_arguments_of_a_call_without_end_are_not_kept_in_memory(openai: OpenAIServer) -> None:
    openai.answer(calls(("calculate", {"expression": "1" * 300_000})), to=FIRST)
    with pytest.raises(ProviderError) as failed:
        await hold(debate(openai))
    assert failed.value.reason == "provider_looped"


async def test_a_large_chunk_becomes_tokens_that_clients_take(openai: OpenAIServer) -> None:
    openai.answer(says("é" * 50_000), to=FIRST)
    events = await hold(debate(openai))
    message = only(AgentMessage, events)[0]
    tokens = [each for each in only(Token, events) if each.message == message.message]
    assert "".join(each.text for each in tokens) == message.content == "é" * 50_000
    assert max(len(each.text.encode()) for each in tokens) <= 64 * 1024


@pytest.mark.parametrize("character", ['"', "\n", "\x01", "é", "\U0001f4c8"])
async def test_no_answer_is_larger_than_a_frame_that_clients_take(
    openai: OpenAIServer, settings: Settings, character: str
) -> None:
    settings.OUTCRY_MAX_ANSWER_TOKENS = 1_000_000
    size = len(json.dumps(character, ensure_ascii=False).encode()) - 2
    longest = "x" + character * (950 * 1024 // size)
    openai.answer(says(longest), says(longest * 2), to=FIRST)
    events = await hold(debate(openai))
    frames = [Frame.of_event(1, event.type, uuid4(), datetime.now(UTC), dump(event)) for event in events]
    assert max(len(frame.text.encode()) for frame in frames) <= 1024 * 1024
    with pytest.raises(ProviderError) as failed:
        await hold(debate(openai))
    assert failed.value.reason == "provider_looped"


@pytest.mark.parametrize("kind", odd_streams.CALLS)
async def test_a_tool_call_is_read_however_a_server_sends_it(openai: OpenAIServer, kind: str) -> None:
    openai.answer(sends(odd_streams.CALLS[kind]), to=FIRST)
    asked = debate(openai).events()
    async for event in asked:
        if isinstance(event, InputRequest):
            assert event.prompt == "Which horizon?"
            break
    else:
        pytest.fail("Nobody was asked.")
    await asked.aclose()


async def test_a_turn_goes_on_without_a_tool_call_that_was_cut_off(openai: OpenAIServer) -> None:
    openai.answer(sends(odd_streams.CUT_CALL), says("Without asking."), to=FIRST)
    events = await hold(debate(openai))
    assert only(AgentMessage, events)[0].content == "Without asking."
    assert ["tools" in exchange.body for exchange in openai.asked[:2]] == [True, False]
    assert only(InputRequest, events) == []


async def test_what_was_said_stands_when_each_tool_call_is_cut_off(openai: OpenAIServer) -> None:
    asked = asks(" ", after=["Margins ", "rose."])
    openai.answer(asked, *[sends(odd_streams.CUT_CALL)] * 2, to=FIRST)
    events = await hold(debate(openai))
    assert (first := only(AgentMessage, events)[0]).content == "Margins rose."
    assert first.finish_reason == "stop"
    assert only(MessageDiscard, events) == []
    # The second of them although no tool was offered.
    assert ["tools" in exchange.body for exchange in openai.asked[:3]] == [True, True, False]
    assert "Call none" in openai.asked[2].messages[-1]["content"]


async def test_another_model_speaks_when_nothing_but_cut_calls_comes(openai: OpenAIServer) -> None:
    openai.answer(*[sends(odd_streams.CUT_CALL)] * 2, to=FIRST)
    async with OpenAIServer(model="second") as second:
        events = await hold(debate(openai, second))
    assert only(Fallback, events)[0].code == "provider_invalid_answer"
    assert only(AgentMessage, events)[0].model == "second"


@pytest.mark.parametrize("kind", odd_streams.THINKING)
async def test_thoughts_are_not_spoken_and_not_told_to_others(openai: OpenAIServer, kind: str) -> None:
    openai.answer(sends(odd_streams.THINKING[kind]), to=FIRST)
    events = await hold(debate(openai))
    spoken = [each for each in only(AgentMessage, events) if each.kind != "thinking"]
    assert spoken[0].content == odd_streams.TEXT
    assert "Secret" not in json.dumps([exchange.body for exchange in openai.asked])


# 0.1 s apart, 1.2 s in all: longer than either limit.
ALIVE = {
    "reasoning": says("Buy.", thoughts=("Hmm. ",) * 12, tokens_per_second=10),
    "think tags": says("<think>", *("Hmm. ",) * 12, "</think>", "Buy.", tokens_per_second=10),
}


@pytest.mark.parametrize("kind", ALIVE)
async def test_a_model_that_thinks_is_alive(openai: OpenAIServer, settings: Settings, kind: str) -> None:
    settings.OUTCRY_FIRST_TOKEN_SECONDS = settings.OUTCRY_STALL_SECONDS = 0.6
    openai.answer(ALIVE[kind], to=FIRST)
    thought, spoken = only(AgentMessage, await hold(debate(openai)))[:2]
    assert (thought.content, spoken.content) == ("Hmm. " * 12, "Buy.")
    assert len(openai.asked) == 4


async def test_a_model_that_only_thinks_has_given_no_answer(openai: OpenAIServer) -> None:
    openai.answer(says("<think>", "Secret.", finish_reason="length"), to=FIRST)
    with pytest.raises(ProviderError, match="OUTCRY_MAX_ANSWER_TOKENS"):
        await hold(debate(openai))
