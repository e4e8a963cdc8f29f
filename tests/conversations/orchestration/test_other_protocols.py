"""Anthropic, Gemini and Ollama, each over real HTTP: what a server refuses is left out, and thoughts are no speech."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from conversations.domain.errors import ProviderError
from conversations.domain.events import AgentMessage, Complete
from conversations.providers.catalog import Provider, parse
from conversations.runs import loading
from tests.fakes import provider_server
from tests.fakes.provider_server import Body, Sent
from tests.fakes.replies import VERDICT
from tests.support.held import debate, hold, only


class Protocol(NamedTuple):
    entry: str
    variable: str
    answer: Callable[..., Sent]
    refusal: Callable[[str], Sent]
    has_schema: Callable[[Body], object]
    is_whole: Callable[[Body], object]


PROTOCOLS = {
    "anthropic": Protocol(
        "anthropic:m",
        "ANTHROPIC_BASE_URL",
        provider_server.anthropic,
        provider_server.anthropic_refusal,
        lambda body: "output_config" in body,
        lambda body: not body.get("stream"),
    ),
    "gemini": Protocol(
        "gemini:m",
        "GOOGLE_GEMINI_BASE_URL",
        provider_server.gemini,
        provider_server.gemini_refusal,
        lambda body: "responseJsonSchema" in body.get("generationConfig", {}),
        lambda body: "stream" not in body["path"],
    ),
    "ollama": Protocol(
        "ollama:m",
        "OLLAMA_HOST",
        provider_server.ollama,
        provider_server.ollama_refusal,
        lambda body: "format" in body,
        lambda body: body.get("stream") is False,
    ),
}


@pytest.fixture(params=PROTOCOLS)
async def protocol(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Protocol:
    await loading.load()
    for name in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, "a-key")
    chosen: Protocol = PROTOCOLS[request.param]
    return chosen


def at(protocol: Protocol, url: str, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setenv(protocol.variable, url)
    return parse(protocol.entry)


def text_for(body: Body) -> str:
    return json.dumps(VERDICT) if "You are the Moderator" in json.dumps(body) else "Margins rose."


async def test_a_debate_has_its_verdict(protocol: Protocol, monkeypatch: pytest.MonkeyPatch) -> None:
    async with provider_server.provider_server(lambda body: protocol.answer(text_for(body), body)) as server:
        events = await hold(debate(at(protocol, server.url, monkeypatch)))
    assert only(Complete, events)[0].verdict == "buy"
    assert protocol.has_schema(server.asked[-1])


async def test_a_schema_that_is_refused_is_left_out(
    protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(body: Body) -> Sent:
        if protocol.has_schema(body):
            return protocol.refusal("The schema is not supported.")
        return protocol.answer(text_for(body), body)

    async with provider_server.provider_server(answer) as server:
        provider = at(protocol, server.url, monkeypatch)
        assert only(Complete, await hold(debate(provider)))[0].verdict == "buy"
        assert len(server.asked) == 5
        assert "confidence_percent" in json.dumps(server.asked[-1])
        await hold(debate(provider))
        assert len(server.asked) == 9


async def test_every_answer_is_streamed(protocol: Protocol, monkeypatch: pytest.MonkeyPatch) -> None:
    async with provider_server.provider_server(lambda body: protocol.answer(text_for(body), body)) as server:
        await hold(debate(at(protocol, server.url, monkeypatch)))
    assert not any(map(protocol.is_whole, server.asked))


async def test_a_stream_that_is_refused_becomes_a_whole_answer(
    protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(body: Body) -> Sent:
        if not protocol.is_whole(body):
            return protocol.refusal("Streaming is not supported.")
        return protocol.answer(text_for(body), body)

    async with provider_server.provider_server(answer) as server:
        events = await hold(debate(at(protocol, server.url, monkeypatch)))
    assert only(Complete, events)[0].verdict == "buy"
    assert len(server.asked) == 5


async def test_thoughts_are_not_spoken(protocol: Protocol, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(body: Body) -> Sent:
        return protocol.answer(text_for(body), body, thinking="Secret thoughts.")

    async with provider_server.provider_server(answer) as server:
        events = await hold(debate(at(protocol, server.url, monkeypatch)))
    spoken: list[Any] = [each for each in only(AgentMessage, events) if each.kind != "thinking"]
    assert [each.content for each in spoken] == ["Margins rose."] * 3 + [VERDICT["summary"]]
    assert "Secret" not in json.dumps(server.asked)


async def test_a_limit_of_anthropics_schema_is_not_met(monkeypatch: pytest.MonkeyPatch) -> None:
    await loading.load()
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key")

    def answer(body: Body) -> Sent:
        sent = json.dumps(body.get("output_config", ""))
        if any(f'"{word}"' in sent for word in ("minimum", "maximum", "minLength", "maxLength", "maxItems")):
            return provider_server.anthropic_refusal(
                "output_config.format.schema: For 'integer' type, properties maximum, minimum are not supported"
            )
        return provider_server.anthropic(text_for(body), body)

    async with provider_server.provider_server(answer) as server:
        events = await hold(debate(at(PROTOCOLS["anthropic"], server.url, monkeypatch)))
    assert only(Complete, events)[0].verdict == "buy"
    assert len(server.asked) == 4


@pytest.mark.parametrize("is_streamed", [True, False])
async def test_a_prompt_that_gemini_blocks_is_filtered(
    monkeypatch: pytest.MonkeyPatch, *, is_streamed: bool
) -> None:
    await loading.load()
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    blocked = json.dumps({"promptFeedback": {"blockReason": "SAFETY"}})

    def answer(body: Body) -> Sent:
        if "stream" in body["path"] and not is_streamed:
            return provider_server.gemini_refusal("Streaming is not supported.")
        return Sent(f"data: {blocked}\n\n".encode() if is_streamed else blocked.encode())

    async with provider_server.provider_server(answer) as server:
        provider = at(PROTOCOLS["gemini"], server.url, monkeypatch)
        with pytest.raises(ProviderError) as failed:
            await hold(debate(provider))
    assert failed.value.reason == "provider_filtered"


async def test_a_query_behind_an_address_is_kept() -> None:
    await loading.load()

    def answer(body: Body) -> Sent:
        message = {"message": {"content": text_for(body)}, "finish_reason": "stop"}
        return Sent(json.dumps({"choices": [message]}).encode())

    async with provider_server.provider_server(answer) as server:
        url = f"{server.url}/openai/deployments/d?api-version=2024-10-21"
        await hold(debate(parse(f"openai-compatible:m@{url}")))
    assert server.asked[0]["path"] == "/openai/deployments/d/chat/completions"
    assert server.asked[0]["query"] == "api-version=2024-10-21"
