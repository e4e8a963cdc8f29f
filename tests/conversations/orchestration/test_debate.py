"""The debate, through a real HTTP stand-in: who speaks when, what each hears, what it costs, and how it ends."""

import asyncio
import json
import math
from contextlib import aclosing
from functools import partial

import pytest
from pytest_django import Settings

from conversations.agents.token_buffer import TokenBuffer
from conversations.domain import transcript
from conversations.domain.errors import ProviderError
from conversations.domain.events import AgentMessage, Complete, EventData, MessageStart, Token, dump
from conversations.providers.catalog import Provider, parse
from tests.fakes.openai_server import Exchange, OpenAIServer
from tests.fakes.replies import VERDICT, Fault, Reply, fails, says, verdict
from tests.fakes.waiting import Gate
from tests.support.clock import advance
from tests.support.held import debate, fold, hold, only

ANALYSTS = ["Financial Analyst", "Market Context", "Risk Challenger"]


def set_patience(settings: Settings, seconds: float) -> None:
    settings.OUTCRY_FIRST_TOKEN_SECONDS = settings.OUTCRY_STALL_SECONDS = seconds


# Order


async def test_the_analysts_speak_in_order_in_each_round_and_then_the_moderator(openai: OpenAIServer) -> None:
    events = await hold(debate(openai, rounds=3))
    spoken = [(said.round, said.agent) for said in only(AgentMessage, events)]
    assert spoken == [(round_, name) for round_ in (1, 2, 3) for name in ANALYSTS] + [(3, "Moderator")]
    assert [exchange.agent for exchange in openai.asked] == [name for _, name in spoken]


async def test_the_status_goes_from_initializing_to_completed(openai: OpenAIServer) -> None:
    events = await hold(debate(openai))
    assert [dump(event)["status"] for event in events if event.type == "status"] == [
        "initializing",
        "active",
        "completed",
    ]
    assert [event.type for event in events[:4]] == ["status", "routing", "status", "message_start"]
    assert [event.type for event in events[-3:]] == ["agent_message", "complete", "status"]


async def test_words_come_one_by_one_as_the_model_says_them(openai: OpenAIServer) -> None:
    gate = Gate()
    openai.answer(says("Margins ", "are ", "rising.", gate=gate))
    async with aclosing(debate(openai).events()) as events, asyncio.timeout(20):
        async for event in events:
            if isinstance(event, MessageStart):
                break
        for word in ("Margins ", "are ", "rising."):
            # The model has not said the next word when this one arrives.
            gate.let()
            token = await anext(events)
            assert isinstance(token, Token)
            assert token.text == word


async def test_tokens_join_to_the_message_at_their_offsets(openai: OpenAIServer) -> None:
    openai.answer(says("€ ", "\U0001f4c8", " — ", "e\u0301", "nd"), to="Financial Analyst")
    events = await hold(debate(openai))
    first = only(AgentMessage, events)[0]
    text = ""
    for token in only(Token, events):
        if token.message == first.message:
            assert token.offset == len(text)
            text += token.text
    assert text == first.content == "€ \U0001f4c8 — e\u0301nd"


async def test_the_moderators_words_are_not_passed_on_one_by_one(openai: OpenAIServer) -> None:
    events = await hold(debate(openai))
    start = only(MessageStart, events)[-1]
    assert (start.agent, start.streaming, start.kind) == ("Moderator", False, "final")
    assert start.message not in {token.message for token in only(Token, events)}
    # Its answer is streamed to us, which shows that the model is alive.
    assert [exchange.body.get("stream", False) for exchange in openai.asked] == [True] * 4


# What each hears


def heard(exchange: Exchange) -> list[tuple[str, str]]:
    return [(said["role"], said["content"]) for said in exchange.messages if said["role"] != "system"]


async def test_each_hears_the_question_and_the_others_under_their_names(openai: OpenAIServer) -> None:
    for name in ANALYSTS:
        openai.answer(says(f"One from {name}."), says(f"Two from {name}."), to=name)
    await hold(debate(openai, rounds=2, content="Revenue 412 million."))
    first, *_, last_analyst, moderator = openai.asked
    [(role, opening)] = heard(first)
    assert role == "user"
    assert "Is Tarnwick worth buying?" in opening
    assert "Earnings report" in opening
    assert "Revenue 412 million." in opening
    assert "One from" not in opening

    # One message, its own words included: nothing that a model has said stands in the request as it is.
    [(role, told)] = heard(last_analyst)
    assert role == "user"
    for name in ANALYSTS:
        assert f'{{"speaker": "{name}", "text": "One from {name}."}}' in told
    assert '{"speaker": "Financial Analyst", "text": "Two from Financial Analyst."}' in told
    assert "It is your turn, Risk Challenger. Answer the others' strongest points" in told

    judged = heard(moderator)
    assert [role for role, _ in judged] == ["user"]
    for name in ANALYSTS:
        for word in ("One", "Two"):
            assert f'{{"speaker": "{name}", "text": "{word} from {name}."}}' in judged[0][1]


async def test_the_first_to_speak_is_not_asked_to_answer_anybody(openai: OpenAIServer) -> None:
    await hold(debate(openai))
    assert "Answer the others" not in heard(openai.asked[0])[0][1]


# Verdict


async def test_the_verdict_is_what_the_moderator_stated(openai: OpenAIServer) -> None:
    events = await hold(debate(openai))
    complete = only(Complete, events)[0]
    assert complete.verdict == VERDICT["stance"]
    assert complete.confidence == 0.64
    for field in ("summary", "consensus", "dissent", "would_change", "horizon"):
        assert getattr(complete, field) == VERDICT[field]
    assert list(complete.key_points) == VERDICT["key_points"]
    assert list(complete.risks) == VERDICT["risks"]
    assert complete.reason is None
    last = only(AgentMessage, events)[-1]
    assert (last.content, last.confidence) == (VERDICT["summary"], 0.64)
    assert complete.transcript_sha256 == transcript.digest(only(AgentMessage, events))


INVALID = [
    "I would buy it.",
    json.dumps({**VERDICT, "stance": "maybe"}),
    json.dumps({**VERDICT, "confidence_percent": 640}),
    json.dumps({key: value for key, value in VERDICT.items() if key != "risks"}),
    json.dumps(VERDICT)[:-20],
    "[]",
]


@pytest.mark.parametrize("answer", INVALID)
async def test_a_verdict_that_is_not_valid_is_no_verdict_and_says_so(
    openai: OpenAIServer, answer: str
) -> None:
    openai.answer(says(answer), to="Moderator", times=2)
    events = await hold(debate(openai))
    complete = only(Complete, events)[0]
    assert (complete.verdict, complete.confidence, complete.reason) == ("no_verdict", None, "invalid_answer")
    assert (complete.summary, complete.key_points) == ("", ())
    last = only(AgentMessage, events)[-1]
    assert (last.content, last.confidence) == (answer, None)
    assert dump(events[-1])["status"] == "completed"


async def test_a_moderator_may_mend_an_invalid_verdict_once(openai: OpenAIServer) -> None:
    openai.answer(says("Buy, I think."), verdict(), to="Moderator")
    events = await hold(debate(openai))
    assert only(Complete, events)[0].verdict == "buy"
    last = only(AgentMessage, events)[-1]
    # Both attempts were spoken, and both are paid for.
    assert (last.usage.input_tokens, last.usage.output_tokens) == (240, 60)


async def test_no_analyst_states_a_confidence_it_did_not_state(openai: OpenAIServer) -> None:
    events = await hold(debate(openai))
    assert [said.confidence for said in only(AgentMessage, events)[:-1]] == [None, None, None]


# Numbers


async def test_tokens_are_counted_as_the_provider_counted_them(openai: OpenAIServer) -> None:
    openai.answer(says("Yes.", usage=(1000, 7)), to="Market Context")
    events = await hold(debate(openai))
    counted = [(said.usage.input_tokens, said.usage.output_tokens) for said in only(AgentMessage, events)]
    assert counted == [(120, 30), (1000, 7), (120, 30), (120, 30)]
    summary = only(Complete, events)[0].cost_summary
    assert (summary.input_tokens, summary.output_tokens) == (1360, 97)


async def test_a_message_says_of_how_many_tokens_it_was_streamed(openai: OpenAIServer) -> None:
    openai.answer(says("One ", "", "two ", "three."), to="Market Context")
    events = await hold(debate(openai))
    assert [said.token_count for said in only(AgentMessage, events)] == [3, 3, 3, 0]
    assert [message["tokens"] for message in fold(events)["messages"]] == [3, 3, 3, 0]


async def test_a_model_without_a_public_price_has_an_unknown_cost(openai: OpenAIServer) -> None:
    events = await hold(debate(openai))
    assert {said.cost for said in only(AgentMessage, events)} == {None}
    assert {token.cost for token in only(Token, events)} == {None}
    summary = only(Complete, events)[0].cost_summary
    assert (summary.usd, summary.priced_messages, summary.unpriced_messages) == (None, 0, 4)


@pytest.fixture
def priced(openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """A model with a public price, which the stand-in plays."""
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    monkeypatch.setenv("OPENAI_BASE_URL", openai.url)
    return parse("openai:gpt-4o-mini")


async def test_a_priced_model_costs_what_its_tokens_cost(openai: OpenAIServer, priced: Provider) -> None:
    openai.default = says("Two ", "words.", usage=(1_000_000, 100_000))
    events = await hold(debate(openai, provider=priced))
    said = only(AgentMessage, events)
    # gpt-4o-mini: 0.15 dollars a million tokens in, 0.60 out.
    assert said[0].cost == pytest.approx(0.15 + 0.06)
    summary = only(Complete, events)[0].cost_summary
    assert summary.usd == pytest.approx(sum(message.cost for message in said))
    assert (summary.priced_messages, summary.unpriced_messages) == (4, 0)
    running = [token.cost for token in only(Token, events)]
    assert None not in running
    assert 0 < running[0] < running[1]
    assert {exchange.headers["authorization"] for exchange in openai.asked} == {"Bearer test-key"}


async def test_where_one_count_is_missing_the_sum_is_unknown(openai: OpenAIServer, priced: Provider) -> None:
    openai.answer(says("Yes.", usage=None), to="Market Context")
    events = await hold(debate(openai, provider=priced))
    said = only(AgentMessage, events)
    assert (said[1].usage.input_tokens, said[1].usage.output_tokens, said[1].cost) == (None, None, None)
    summary = only(Complete, events)[0].cost_summary
    assert (summary.usd, summary.input_tokens, summary.output_tokens) == (None, None, None)
    assert (summary.priced_messages, summary.unpriced_messages) == (3, 1)


async def test_an_answer_that_was_cut_at_its_longest_says_so(openai: OpenAIServer) -> None:
    openai.answer(says("And so", finish_reason="length"))
    events = await hold(debate(openai))
    assert [said.finish_reason for said in only(AgentMessage, events)] == ["length", "stop", "stop", "stop"]


async def test_an_answer_is_no_longer_than_the_settings_allow(
    openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_MAX_ANSWER_TOKENS = 77
    await hold(debate(openai))
    assert {exchange.body["max_tokens"] for exchange in openai.asked} == {77}


# Text that databases and browsers do not take


async def test_characters_that_cannot_be_stored_are_replaced(openai: OpenAIServer) -> None:
    openai.answer(says("a\0b ", "\ud800c ", "\udc00d ", "\U0001f600"), to="Financial Analyst")
    events = await hold(debate(openai))
    first = only(AgentMessage, events)[0]
    assert first.content == "a\ufffdb \ufffdc \ufffdd \U0001f600"
    assert fold(events)["messages"][0]["text"] == first.content
    # The others hear the same.
    assert first.content in heard(openai.asked[1])[0][1]


async def test_characters_that_cannot_be_stored_are_replaced_in_the_verdict(openai: OpenAIServer) -> None:
    openai.answer(says(json.dumps({**VERDICT, "summary": "a\0b \ud800", "risks": ["c\0"]})), to="Moderator")
    events = await hold(debate(openai))
    complete = only(Complete, events)[0]
    stored = json.dumps(dump(complete), ensure_ascii=False)
    stored.encode()
    assert "\\u0000" not in stored


# Failures

TIMEOUT = "provider_timeout"
DROPPED = "provider_dropped"
FAILURES = {
    "401": (fails(401), "provider_unauthorized", False),
    "403": (fails(403), "provider_forbidden", False),
    "404": (fails(404), "provider_unknown_model", False),
    "400": (fails(400), "provider_rejected", False),
    "413": (fails(413), "provider_too_long", False),
    "429": (fails(429, retry_after=30), "provider_rate_limited", True),
    "500": (fails(500), "provider_down", True),
    "503": (fails(503), "provider_down", True),
    "hangs": (says(fault=Fault.HANG), TIMEOUT, True),
    "hangs after the status": (says("never", fault=Fault.STALL), TIMEOUT, True),
    "stalls": (says("One ", "two ", fault=Fault.STALL, fault_after=2), TIMEOUT, True),
    "closes without a word": (says("One ", "two ", fault=Fault.CLOSE, fault_after=2), DROPPED, True),
    "closes before its end": (says("One ", "two ", fault=Fault.CUT, fault_after=2), DROPPED, True),
    "resets": (says("One ", "two ", fault=Fault.RESET, fault_after=2), DROPPED, True),
    "resets at once": (says("never", fault=Fault.RESET), DROPPED, True),
    "malformed": (
        says("One ", "two ", fault=Fault.MALFORMED, fault_after=1),
        "provider_invalid_answer",
        True,
    ),
    "an error in mid-stream": (says("One ", fault=Fault.ERROR, fault_after=1), "provider_down", True),
    "empty": (says(), "provider_empty", True),
    "blank": (says(" ", "\n"), "provider_empty", True),
    "invisible": (says("\u200b\ufeff\u2060"), "provider_empty", True),
}


CASES = [
    pytest.param(agent, *failure, id=f"{agent} {name}")
    for agent in ("Financial Analyst", "Market Context", "Moderator")
    for name, failure in FAILURES.items()
]


@pytest.mark.parametrize(("agent", "reply", "reason", "retryable"), CASES)
async def test_a_failing_model_ends_the_debate_with_a_reason(
    openai: OpenAIServer, agent: str, reply: Reply, reason: str, retryable: bool, settings: Settings
) -> None:
    openai.answer(reply, to=agent, times=math.inf)
    set_patience(settings, 0.3 if reason == TIMEOUT else 20)
    with pytest.raises(ProviderError) as failed:
        await hold(debate(openai))
    assert (failed.value.reason, failed.value.retryable) == (reason, retryable)
    assert "secret-detail" not in failed.value.message
    assert failed.value.message.endswith(".")


# 1.2 s, 0.1 s apart: longer than each limit in these tests.
SLOW = says("<think>", *("Hmm. ",) * 12, "</think>", json.dumps(VERDICT), tokens_per_second=10)


async def test_a_moderator_that_thinks_is_alive(openai: OpenAIServer, settings: Settings) -> None:
    set_patience(settings, 0.6)
    openai.answer(SLOW, to="Moderator")
    assert only(Complete, await hold(debate(openai)))[0].verdict == "buy"


async def test_a_whole_verdict_has_the_time_of_a_whole_answer(
    openai: OpenAIServer, settings: Settings
) -> None:
    set_patience(settings, 0.6)
    openai.refuses = lambda body: "Streaming is not supported." if body["stream"] else None
    openai.answer(SLOW, to="Moderator")
    assert only(Complete, await hold(debate(openai)))[0].verdict == "buy"


async def test_a_correction_has_the_time_of_a_first_token(openai: OpenAIServer, settings: Settings) -> None:
    settings.OUTCRY_STALL_SECONDS = 0.3
    openai.answer(says("Buy, I think."), verdict(late=1), to="Moderator")
    assert only(Complete, await hold(debate(openai)))[0].verdict == "buy"


async def test_a_correction_that_goes_silent_ends_at_the_stall_limit(
    openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_STALL_SECONDS = 0.3
    openai.answer(says("Buy, I think."), says("{", fault=Fault.STALL, fault_after=1), to="Moderator")
    # The limit for a first token is 60 s.
    async with asyncio.timeout(20):
        assert only(Complete, await hold(debate(openai)))[0].reason == "invalid_answer"


async def test_a_provider_that_is_not_there_is_unreachable(openai: OpenAIServer) -> None:
    await openai.stop()
    with pytest.raises(ProviderError) as failed:
        await hold(debate(openai))
    assert (failed.value.reason, failed.value.retryable) == ("provider_unreachable", True)


async def test_what_was_said_before_a_failure_has_been_told(openai: OpenAIServer) -> None:
    openai.answer(says("One ", "two ", "three", fault=Fault.CUT, fault_after=2), to="Market Context", times=2)
    told: list[EventData] = []

    async def listen() -> None:
        async for event in debate(openai).events():
            told.append(event)  # noqa: PERF401 (the list is wanted though the loop fails)

    with pytest.raises(ProviderError):
        await listen()
    first, second, third = fold(told)["messages"]
    assert (first["state"], second["state"], second["text"]) == ("done", "discarded", "One two ")
    assert (third["state"], third["text"], third["discard_reason"]) == ("discarded", "One two ", DROPPED)


async def test_a_failed_request_is_not_repeated_behind_our_back(openai: OpenAIServer) -> None:
    openai.answer(fails(429), times=5)
    with pytest.raises(ProviderError):
        await hold(debate(openai))
    assert len(openai.asked) == 1


async def test_a_slow_listener_is_not_a_silent_model(
    openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr("conversations.agents.reply.TokenBuffer", partial(TokenBuffer, 4))
    openai.answer(says(*(f"w{n} " for n in range(20))), to="Financial Analyst")
    running = debate(openai)
    settings.OUTCRY_STALL_SECONDS = 0.2
    async with aclosing(running.events()) as events:
        async for event in events:
            if isinstance(event, Token) and event.offset == 0:
                # Longer than the model may be silent, while the model waits for us.
                await advance(0.4)
            if isinstance(event, AgentMessage):
                return


# Stopping


@pytest.mark.parametrize("agent", ["Financial Analyst", "Market Context", "Moderator"])
async def test_stopping_the_debate_ends_the_models_stream(
    openai: OpenAIServer, agent: str, settings: Settings
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two ", "three", gate=gate), to=agent)
    gate.let(2 if agent != "Moderator" else 0)

    # A silent model is not what ends it.
    set_patience(settings, 1_000)
    listening = asyncio.create_task(hold(debate(openai)))
    await gate.reached(3 if agent != "Moderator" else 1)
    exchange = openai.asked[-1]
    assert (exchange.agent, exchange.closed_early) == (agent, False)
    listening.cancel()
    await asyncio.wait([listening], timeout=20)
    assert listening.cancelled()
    await openai.until_closed_early(exchange)


async def test_closing_the_debate_in_mid_message_ends_the_models_stream(
    openai: OpenAIServer, settings: Settings
) -> None:
    gate = Gate()
    gate.let(1)
    openai.answer(says("One ", "two ", gate=gate))
    set_patience(settings, 1_000)
    async with asyncio.timeout(20), aclosing(debate(openai).events()) as events:
        async for event in events:
            if isinstance(event, Token):
                break
    await openai.until_closed_early(openai.asked[0])
