"""A debate within its budget: the Moderator closes it in time, and what it costs is counted call by call."""

import asyncio
import itertools
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.budgets import service
from conversations.infrastructure import database
from conversations.models import Conversation, Reservation
from conversations.runs import supervisor
from tests.fakes.openai_server import Exchange, OpenAIServer
from tests.fakes.replies import Reply, asks, fails, no_json, says
from tests.fakes.waiting import Gate
from tests.support import debates
from tests.support.debates import Row, statuses

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def priced(openai: OpenAIServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> OpenAIServer:
    """The stand-in as OpenAI itself, whose prices are known, with short answers."""
    monkeypatch.setenv("OPENAI_BASE_URL", openai.url)
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    settings.OUTCRY_PROVIDERS = ["openai:gpt-4o-mini"]
    settings.OUTCRY_MAX_ANSWER_TOKENS = 100
    return openai


async def held(conversation: Conversation) -> list[Row]:
    await supervisor.run(conversation.pk)
    return await debates.rows(conversation)


async def spent(conversation: Conversation) -> service.Amounts:
    return await database.call(service.spent, conversation)


def said(rows: list[Row]) -> list[str]:
    return [data["agent"] for _, type_, data in rows if type_ == "agent_message"]


def reasons(rows: list[Row]) -> list[str | None]:
    return [data["reason"] for _, type_, data in rows if type_ == "status"]


async def test_the_moderator_closes_what_would_pass_the_limit(alice: User, priced: OpenAIServer) -> None:
    conversation = await debates.created(alice, rounds=6, max_tokens=8_000)
    rows = await held(conversation)
    voices = said(rows)
    # Some have spoken, not all; and the last word is the verdict.
    assert 1 < len(voices) < 19
    assert voices[-1] == "Moderator"
    assert statuses(rows)[-2:] == ["active", "completed"]
    assert reasons(rows)[-2:] == ["budget", "budget"]
    state = await debates.state(conversation)
    assert (state["complete"]["verdict"], state["complete"]["reason"]) == ("buy", None)
    row = await debates.fresh(conversation)
    assert (row.status, row.reason) == ("completed", "budget")
    total = await spent(conversation)
    assert total.tokens == 150 * len(voices) <= 8_000


@dataclass
class CountingServer(OpenAIServer):
    """A stand-in that counts so many tokens for each character that it reads."""

    rate: float = 0.25

    def _reply(self, exchange: Exchange) -> Reply:
        read = sum(len(str(message["content"])) for message in exchange.messages)
        return replace(super()._reply(exchange), usage=(round(read * self.rate), 30))


SCRIPTS = {
    "Chinese": ("公司本季度营业收入同比增长，但利润率因成本上升而下降。", 0.7),
    "English": ("Revenue grew over the quarter, but margins fell as costs rose. ", 0.25),
    "Arabic": ("ارتفعت الإيرادات خلال الربع، لكن الهوامش تراجعت. ", 0.95),
    "CSV": ("2026-03-31,TRNW,41823700,12.75\n", 0.95),
    "emoji": ("📈🔥📉", 3.0),
}


@pytest.mark.parametrize("characters", [2_000, 8_000, 50_000])
@pytest.mark.parametrize("script", SCRIPTS)
async def test_limit_in_tokens_is_kept_in_every_script(
    alice: User, settings: Settings, script: str, characters: int
) -> None:
    text, rate = SCRIPTS[script]
    content = (text * (characters // len(text) + 1))[:characters].strip()
    async with CountingServer(rate=rate) as server:
        settings.OUTCRY_PROVIDERS = [server.provider]
        conversation = await debates.created(alice, rounds=2, max_tokens=60_000, content=content)
        rows = await held(conversation)
    total = await spent(conversation)
    assert total.tokens is not None
    assert total.tokens <= 60_000
    assert statuses(rows)[-1] == "completed"
    voices = said(rows)
    if len(voices) < 7:
        assert reasons(rows)[-1] == "budget"
    if voices:
        # No turn is paid for without a verdict.
        assert voices[-1] == "Moderator"


async def test_limit_that_covers_a_long_english_debate_does_not_end_it(
    alice: User, settings: Settings
) -> None:
    async with CountingServer(rate=0.25) as server:
        settings.OUTCRY_PROVIDERS = [server.provider]
        content = SCRIPTS["English"][0] * 480
        conversation = await debates.created(alice, rounds=1, max_tokens=60_000, content=content.strip())
        rows = await held(conversation)
    # 30,000 characters, which four calls read: the first is reserved at a token a byte.
    assert (len(said(rows)), reasons(rows)[-1]) == (4, None)


async def test_a_limit_in_dollars_is_kept(alice: User, priced: OpenAIServer) -> None:
    conversation = await debates.created(alice, rounds=6, max_usd=0.0015)
    rows = await held(conversation)
    assert reasons(rows)[-1] == "budget"
    total = await spent(conversation)
    assert total.usd is not None
    assert 0 < total.usd <= 0.0015
    row = await debates.fresh(conversation)
    assert float(row.cost or 0) == pytest.approx(total.usd)


async def test_a_budget_that_covers_nothing_ends_without_a_verdict(alice: User, priced: OpenAIServer) -> None:
    conversation = await debates.created(alice, max_tokens=10)
    rows = await held(conversation)
    assert (said(rows), priced.asked) == ([], [])
    state = await debates.state(conversation)
    assert (state["status"], state["reason"]) == ("completed", "budget")
    assert (state["complete"]["verdict"], state["complete"]["reason"]) == ("no_verdict", "budget")
    assert state["complete"]["cost_summary"]["usd"] == 0


async def test_a_verdict_that_cannot_be_paid_is_none(
    alice: User, priced: OpenAIServer, settings: Settings
) -> None:
    gate = Gate()
    priced.answer(says("One.", gate=gate), to="Financial Analyst")
    conversation = await debates.created(alice)
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    # Others of the day spend what was left.
    settings.OUTCRY_MAX_TOKENS_PER_DAY = 1
    gate.open()
    await run
    state = await debates.state(conversation)
    assert [message["agent"] for message in state["messages"]] == ["Financial Analyst"]
    assert (state["complete"]["verdict"], state["complete"]["reason"]) == ("no_verdict", "budget")


async def test_a_resumed_debate_goes_on_with_what_is_left(alice: User, priced: OpenAIServer) -> None:
    gate = Gate()
    priced.answer(says("Half ", "a word", gate=gate), to="Market Context")
    conversation = await debates.created(alice, rounds=6, max_tokens=8_000)
    await debates.cut(conversation, gate, "Half ")
    rows = await held(conversation)
    assert reasons(rows)[-1] == "budget"
    total = await spent(conversation)
    assert total.tokens is not None
    # What the killed call was set aside for is spent.
    assert 150 * len(said(rows)) < total.tokens <= 8_000
    assert await database.call(Reservation.objects.count) == 0


async def test_without_limits_the_books_are_kept_too(alice: User, priced: OpenAIServer) -> None:
    conversation = await debates.created(alice)
    await held(conversation)
    total = await spent(conversation)
    assert total.tokens == 4 * 150
    assert total.usd == pytest.approx(4 * (120 * 0.15 + 30 * 0.6) / 1e6)
    assert total.seconds is not None
    assert total.seconds > 0


async def test_each_call_of_a_turn_is_counted(alice: User, priced: OpenAIServer, settings: Settings) -> None:
    settings.OUTCRY_INPUT_TIMEOUT_SECONDS = 0.05
    priced.answer(asks("Which horizon?"), to="Financial Analyst")
    priced.answer(no_json(), to="Moderator")
    conversation = await debates.created(alice)
    await held(conversation)
    # A tool's answer and a mended verdict are calls of their own.
    assert len(priced.asked) == 6
    assert (await spent(conversation)).tokens == 6 * 150


@pytest.mark.parametrize("refusal", [401, 403, 404, 429])
async def test_a_refused_call_costs_nothing(alice: User, priced: OpenAIServer, refusal: int) -> None:
    priced.answer(fails(refusal), to="Market Context", times=3)
    conversation = await debates.created(alice)
    await held(conversation)
    assert (await spent(conversation)).tokens == 150
    assert await database.call(Reservation.objects.count) == 0


async def test_a_provider_that_is_not_there_costs_nothing(alice: User, priced: OpenAIServer) -> None:
    await priced.stop()
    conversation = await debates.created(alice)
    await held(conversation)
    assert (await spent(conversation)).tokens == 0


async def test_a_call_that_nobody_counted_costs_what_was_set_aside(alice: User, priced: OpenAIServer) -> None:
    priced.default = says("Without ", "a count.", usage=None)
    conversation = await debates.created(alice)
    await held(conversation)
    total = await spent(conversation)
    assert total.tokens is not None
    assert total.tokens > 3 * 100
    assert total.usd is not None


async def test_a_cancelled_call_costs_what_was_set_aside(alice: User, priced: OpenAIServer) -> None:
    gate = Gate()
    priced.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    conversation = await debates.created(alice)
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    run.cancel()
    await asyncio.wait([run])
    total = await spent(conversation)
    assert total.tokens is not None
    assert total.tokens > 100


async def test_a_call_of_unknown_price_makes_the_sum_unknown(
    alice: User, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_MAX_ANSWER_TOKENS = 100
    conversation = await debates.created(alice, max_usd=0.0001)
    await held(conversation)
    total = await spent(conversation)
    # Money that nobody can count limits nothing; tokens and time would.
    assert (total.usd, total.tokens) == (None, 600)
    assert (await debates.fresh(conversation)).reason is None


async def test_a_demo_costs_nothing(alice: User, settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS, settings.OUTCRY_DEMO_TOKENS_PER_SECOND = ["demo"], 1000
    conversation = await debates.created(alice, max_tokens=1)
    rows = await held(conversation)
    assert len(said(rows)) == 4
    assert (await spent(conversation)).tokens == 0


# What a model is told


async def test_a_long_history_is_cut_and_the_question_is_kept(
    alice: User, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_MAX_PROMPT_TOKENS = 1_500
    openai.default = says(*["words " * 100] * 5)
    conversation = await debates.created(alice, rounds=3, content="The margin is 41 %.")
    await held(conversation)
    sizes = [sum(len(_content(message)) for message in asked.messages) // 4 for asked in openai.asked]
    # Four characters a token, the instructions beside it.
    assert max(sizes) < 1_500 + 400
    for asked in openai.asked:
        heard = "\n".join(_content(message) for message in asked.messages)
        assert "Is Tarnwick worth buying?" in heard
        assert "The margin is 41 %." in heard
    # The newest stays, the oldest goes; and the voices alternate.
    last = openai.asked[-2].messages
    assert '"speaker": "Market Context"' in _content(last[-1])
    roles = [message["role"] for message in last if message["role"] != "system"]
    assert all(first != second for first, second in itertools.pairwise(roles))


def _content(message: dict[str, Any]) -> str:
    return str(message["content"])
