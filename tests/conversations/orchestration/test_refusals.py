"""Servers that refuse a parameter: the debate is held without it, and the next request leaves it out at once."""

import json

import pytest

from conversations.domain.errors import ProviderError
from conversations.domain.events import AgentMessage, Complete
from conversations.providers import refusals
from conversations.providers.catalog import parse
from conversations.providers.request_form import Parameter
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.refusals import KINDS, error, has_system_role, refuses
from tests.fakes.replies import VERDICT, says
from tests.support.held import debate, hold, only


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_parameter_that_is_refused_is_left_out(openai: OpenAIServer, kind: str, status: int) -> None:
    is_wrong, refusal, refused = KINDS[kind]
    openai.refuses, openai.refusal_status = refuses(is_wrong, refusal), status
    openai.answer(says("Margins ", "rose."), to="Financial Analyst")
    events = await hold(debate(openai))
    assert only(Complete, events)[0].verdict == "buy"
    assert len(openai.asked) == 4 + refused
    [spoken] = [each for each in only(AgentMessage, events) if each.agent == "Financial Analyst"]
    assert spoken.content == "Margins rose."


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refusal_that_names_nothing_is_explained_by_trying(openai: OpenAIServer, kind: str) -> None:
    is_wrong, _, _ = KINDS[kind]
    openai.refuses = refuses(is_wrong, error("Bad request."))
    events = await hold(debate(openai))
    assert only(Complete, events)[0].verdict == "buy"
    # What did not help is sent again.
    known = refusals.known(parse(openai.provider))
    assert known
    assert len(known) <= 2


async def test_a_schema_is_worth_more_than_its_stream(openai: OpenAIServer) -> None:
    is_wrong, refusal, _ = KINDS["a schema in a stream"]
    openai.refuses = refuses(is_wrong, refusal)
    await hold(debate(openai))
    last = openai.asked[-1].body
    assert (last["stream"], last["response_format"]["type"]) == (False, "json_schema")
    assert [exchange.body["stream"] for exchange in openai.asked[:3]] == [True] * 3


async def test_a_refusal_is_remembered_for_the_next_debate(openai: OpenAIServer) -> None:
    is_wrong, refusal, _ = KINDS["max_tokens"]
    openai.refuses = refuses(is_wrong, refusal)
    await hold(debate(openai))
    await hold(debate(openai))
    assert len(openai.asked) == 9


async def test_a_refusal_is_forgotten_when_its_time_is_over(
    openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "REMEMBERED_SECONDS", 0)
    is_wrong, refusal, _ = KINDS["max_tokens"]
    openai.refuses = refuses(is_wrong, refusal)
    await hold(debate(openai))
    assert len(openai.asked) == 8


async def test_a_schema_that_is_not_sent_stands_in_the_prompt(openai: OpenAIServer) -> None:
    is_wrong, refusal, _ = KINDS["response_format"]
    openai.refuses = refuses(is_wrong, refusal)
    await hold(debate(openai))
    asked = [exchange.body.get("response_format", {}).get("type") for exchange in openai.asked[3:]]
    assert asked == ["json_schema", "json_object", None]
    for exchange in openai.asked[4:]:
        assert "confidence_percent" in exchange.system


async def test_without_its_role_the_system_message_begins_the_first_one(openai: OpenAIServer) -> None:
    openai.refuses = refuses(has_system_role, error("System role not supported"))
    await hold(debate(openai))
    first = openai.asked[1].messages[0]
    assert first["role"] == "user"
    assert "You are the Financial Analyst" in first["content"]
    assert "Is Tarnwick worth buying?" in first["content"]


async def test_a_request_that_is_refused_in_every_form_is_rejected(openai: OpenAIServer) -> None:
    openai.refuses = lambda body: error("Bad request.")
    with pytest.raises(ProviderError) as failed:
        await hold(debate(openai))
    assert failed.value.reason == "provider_rejected"
    tried = len(openai.asked)
    with pytest.raises(ProviderError):
        await hold(debate(openai))
    # Not in every form again: once with tools, once without.
    assert len(openai.asked) == tried + 2


async def test_a_prompt_that_is_too_long_is_not_sent_in_other_forms(openai: OpenAIServer) -> None:
    openai.refuses = lambda body: error("This model's maximum context length is 4096 tokens.")
    with pytest.raises(ProviderError) as failed:
        await hold(debate(openai))
    assert failed.value.reason == "provider_too_long"
    assert len(openai.asked) == 1


def test_only_so_many_providers_are_remembered() -> None:
    providers = [parse(f"openai:m{number}") for number in range(refusals.MAX_PROVIDERS + 1)]
    for provider in providers:
        refusals.remember(provider, Parameter.STREAMED)
    assert refusals.known(providers[0]) == frozenset()
    assert refusals.known(providers[-1]) == {Parameter.STREAMED}


async def test_the_verdict_is_the_same_without_a_schema(openai: OpenAIServer) -> None:
    is_wrong, refusal, _ = KINDS["response_format"]
    openai.refuses = refuses(is_wrong, refusal)
    openai.answer(says(f"```json\n{json.dumps(VERDICT)}\n```"), to="Moderator")
    complete = only(Complete, await hold(debate(openai)))[0]
    assert (complete.verdict, complete.confidence) == ("buy", 0.64)
