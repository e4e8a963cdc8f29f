"""Answers that a filter, a refusal, the limit or an error cut off: spoken again by another model, or marked."""

import json

import pytest
from pytest_django import Settings

from conversations.domain.errors import ProviderError
from conversations.domain.events import AgentMessage, Complete, Fallback, MessageDiscard, MessageStart
from conversations.providers.catalog import DEMO, parse
from conversations.runs import loading
from tests.fakes import odd_streams, provider_server
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.provider_server import Body, Sent
from tests.fakes.replies import Fault, says, sends
from tests.support.held import debate, hold, only

FIRST = "Financial Analyst"
NOTES = {
    "content_filter": "Cut off here by the provider's safety rules.",
    "refusal": "Broken off here: the model refused to go on.",
    "length": "Cut off here, at the length limit.",
}


@pytest.mark.parametrize("reason", ["content_filter", "refusal"])
async def test_what_one_model_withholds_another_one_says(openai: OpenAIServer, reason: str) -> None:
    openai.answer(says("Margins ", finish_reason=reason), to=FIRST)
    async with OpenAIServer(model="second") as second:
        second.answer(says("Margins rose."), to=FIRST)
        events = await hold(debate(openai, second))
    assert [event.reason for event in only(MessageDiscard, events)] == ["provider_withheld"]
    assert [event.code for event in only(Fallback, events)] == ["provider_withheld"]
    first = only(AgentMessage, events)[0]
    assert (first.content, first.model, first.finish_reason) == ("Margins rose.", "second", "stop")


@pytest.mark.parametrize("reason", NOTES)
async def test_without_another_model_a_cut_answer_is_marked(openai: OpenAIServer, reason: str) -> None:
    openai.answer(says("Margins ", finish_reason=reason), to=FIRST)
    events = await hold(debate(openai))
    first = only(AgentMessage, events)[0]
    assert (first.content, first.finish_reason) == ("Margins ", reason)
    assert only(Complete, events)[0].verdict == "buy"
    # Everybody who answers or judges it is told.
    for exchange in openai.asked[1:]:
        assert NOTES[reason] in json.dumps(exchange.body)


async def test_a_refusal_of_its_own_field_is_one(openai: OpenAIServer) -> None:
    chunks = (odd_streams.chunk(refusal="I cannot help."), odd_streams.STOP)
    openai.answer(sends(odd_streams.stream(*chunks)), to=FIRST)
    first = only(AgentMessage, await hold(debate(openai)))[0]
    assert (first.content, first.finish_reason) == ("I cannot help.", "refusal")


@pytest.mark.parametrize("reason", ["error", "abort"])
async def test_an_answer_that_ends_with_an_error_is_discarded(openai: OpenAIServer, reason: str) -> None:
    openai.answer(says("Margins ", finish_reason=reason), to=FIRST, times=2)
    with pytest.raises(ProviderError) as failed:
        await hold(debate(openai))
    assert failed.value.reason == "provider_dropped"


async def test_an_answer_of_which_nothing_is_left_says_why(openai: OpenAIServer) -> None:
    openai.answer(says(finish_reason="content_filter"), to=FIRST)
    with pytest.raises(ProviderError, match="safety rules") as failed:
        await hold(debate(openai))
    assert failed.value.reason == "provider_withheld"


@pytest.mark.parametrize(
    ("entry", "variable", "answer", "stop", "reason"),
    [
        ("anthropic:m", "ANTHROPIC_BASE_URL", provider_server.anthropic, "refusal", "refusal"),
        ("anthropic:m", "ANTHROPIC_BASE_URL", provider_server.anthropic, "max_tokens", "length"),
        ("gemini:m", "GOOGLE_GEMINI_BASE_URL", provider_server.gemini, "SAFETY", "content_filter"),
        ("gemini:m", "GOOGLE_GEMINI_BASE_URL", provider_server.gemini, "MAX_TOKENS", "length"),
        ("ollama:m", "OLLAMA_HOST", provider_server.ollama, "length", "length"),
    ],
)
async def test_each_providers_reason_is_understood(
    monkeypatch: pytest.MonkeyPatch, entry: str, variable: str, answer: object, stop: str, reason: str
) -> None:
    await loading.load()
    for name in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, "a-key")

    def cut(body: Body) -> Sent:
        assert callable(answer)
        sent: Sent = answer("Margins ", body, stop=stop)
        return sent

    async with provider_server.provider_server(cut) as server:
        monkeypatch.setenv(variable, server.url)
        events = await hold(debate(parse(entry)))
    assert only(AgentMessage, events)[0].finish_reason == reason


# Silence


async def test_a_model_that_stalls_is_not_waited_for_again(openai: OpenAIServer, settings: Settings) -> None:
    settings.OUTCRY_STALL_SECONDS = 0.3
    openai.answer(says("Margins ", "rose", fault=Fault.STALL, fault_after=2), to=FIRST, times=2)
    events = await hold(debate(openai, DEMO))
    spoken = [(event.agent, event.provider) for event in only(MessageStart, events)]
    assert spoken[:2] == [(FIRST, "openai-compatible"), (FIRST, "demo")]
    assert len(openai.asked) == 1


async def test_a_model_that_stalls_is_asked_again_if_it_is_the_only_one(
    openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_STALL_SECONDS = 0.3
    openai.answer(says("Margins ", fault=Fault.STALL, fault_after=1), to=FIRST)
    events = await hold(debate(openai))
    assert [event.reason for event in only(MessageDiscard, events)] == ["provider_timeout"]
    assert only(Complete, events)[0].verdict == "buy"


def test_a_stall_is_noticed_within_ten_seconds_by_default(settings: Settings) -> None:
    assert settings.OUTCRY_STALL_SECONDS == 10
