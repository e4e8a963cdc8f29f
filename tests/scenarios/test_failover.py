"""Failover: a turn that fails is spoken again by the next provider, visibly; and the demo is the last resort."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from conversations.budgets.service import ConversationBudget
from conversations.domain.enums import Status
from conversations.domain.errors import Fenced, ProviderError
from conversations.domain.events import StatusChanged
from conversations.event_log import appender, store
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.orchestration.assignment import Assignment
from conversations.providers import circuit_breaker
from conversations.providers.catalog import parse
from conversations.providers.circuit_breaker import State
from conversations.runs import endings, recovery, supervisor
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import Fault, Outage, Reply, asks, breaks_schema, fails, no_json, says, too_long
from tests.fakes.waiting import Gate
from tests.support import debates
from tests.support.debates import Row, statuses
from tests.support.ports import NoPeople

pytestmark = pytest.mark.django_db(transaction=True)

AGENTS = ["Financial Analyst", "Market Context", "Risk Challenger", "Moderator"]


@pytest_asyncio.fixture
async def faulty() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(model="faulty") as server:
        yield server


@pytest_asyncio.fixture
async def healthy() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(model="healthy") as server:
        yield server


@pytest.fixture
def both(settings: Settings, faulty: OpenAIServer, healthy: OpenAIServer) -> None:
    """The faulty one is preferred to the healthy one."""
    settings.OUTCRY_PROVIDERS = [faulty.provider, healthy.provider]


@pytest.fixture
def then_demo(settings: Settings, faulty: OpenAIServer) -> None:
    """There is the faulty one, and then the demo."""
    settings.OUTCRY_PROVIDERS = [faulty.provider]
    settings.OUTCRY_DEMO_FALLBACK = True
    settings.OUTCRY_DEMO_TOKENS_PER_SECOND = 1000


@pytest.fixture
def conversation(alice: User, faulty: OpenAIServer) -> Conversation:
    return debates.create(alice)


def events(rows: list[Row], type_: str) -> list[dict[str, Any]]:
    return [data for _, stored, data in rows if stored == type_]


async def held(conversation: Conversation) -> list[Row]:
    """The log of the whole debate."""
    await supervisor.run(conversation.pk)
    return await debates.rows(conversation)


# The next provider


FAULTS = {
    "401": (fails(401), "provider_unauthorized"),
    "402": (fails(402), "provider_credit"),
    "403": (fails(403), "provider_forbidden"),
    "404": (fails(404), "provider_unknown_model"),
    "429": (fails(429), "provider_rate_limited"),
    "429 for a moment": (fails(429, retry_after=1), "provider_rate_limited"),
    "500": (fails(500), "provider_down"),
    "503": (fails(503), "provider_down"),
    "no first token": (says("never", fault=Fault.STALL), "provider_timeout"),
    "no answer": (says(fault=Fault.HANG), "provider_timeout"),
    "stalls": (says("One ", "two ", fault=Fault.STALL, fault_after=2), "provider_timeout"),
    "truncated": (says("One ", "two ", fault=Fault.CLOSE, fault_after=2), "provider_dropped"),
    "cut": (says("One ", "two ", fault=Fault.CUT, fault_after=2), "provider_dropped"),
    "reset": (says("One ", "two ", fault=Fault.RESET, fault_after=2), "provider_dropped"),
    "malformed": (says("One ", "two ", fault=Fault.MALFORMED, fault_after=1), "provider_invalid_answer"),
    "empty": (says(), "provider_empty"),
    "all thought": (too_long(), "provider_empty"),
}


@pytest.mark.parametrize("agent", ["Risk Challenger", "Moderator"])
@pytest.mark.parametrize(("reply", "code"), FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.usefixtures("both")
async def test_a_turn_that_fails_is_spoken_again_by_the_next(
    conversation: Conversation,
    faulty: OpenAIServer,
    healthy: OpenAIServer,
    settings: Settings,
    agent: str,
    reply: Reply,
    code: str,
) -> None:
    if code == "provider_timeout":
        # Of the faulty one only; the other has all its time on a busy machine, too.
        settings.OUTCRY_PROVIDERS = [f"{faulty.provider}?first_token=1&stall=1", healthy.provider]
    faulty.answer(reply, to=agent)
    rows = await held(conversation)
    state = await debates.state(conversation)
    assert (state["status"], state["mode"], state["complete"]["verdict"]) == ("completed", "live", "buy")
    discarded = [message for message in state["messages"] if message["state"] == "discarded"]
    assert [(message["agent"], message["discard_reason"]) for message in discarded] == [(agent, code)]
    assert [(told["from"], told["to"], told["code"]) for told in events(rows, "fallback")] == [
        ("openai-compatible:faulty", "openai-compatible:healthy", code)
    ]
    stands = [message for message in state["messages"] if message["state"] == "done"]
    assert [message["agent"] for message in stands] == AGENTS
    again = stands[AGENTS.index(agent)]
    assert (again["model"], again["round"]) == ("healthy", discarded[0]["round"])
    # In the order of what happens.
    types = [type_ for _, type_, data in rows if type_ in {"message_discard", "fallback", "message_start"}]
    place = types.index("message_discard")
    assert types[place : place + 3] == ["message_discard", "fallback", "message_start"]


@pytest.mark.parametrize("outage", [Outage.REFUSED, Outage.BLACK_HOLE, Outage.DEAF, Outage.MUTE])
@pytest.mark.parametrize("turn", [1, 4])
@pytest.mark.usefixtures("both")
async def test_a_host_that_is_away_is_left_for_the_next(
    conversation: Conversation, faulty: OpenAIServer, outage: Outage, turn: int
) -> None:
    # The general limit for a first token is a minute: it is its host's silence that tells.
    faulty.break_down(outage, turn)
    rows = await held(conversation)
    state = await debates.state(conversation)
    assert state["status"] == "completed"
    [told] = events(rows, "fallback")
    codes = {"provider_unreachable", "provider_timeout", "provider_dropped"}
    assert (told["to"], told["code"] in codes) == ("openai-compatible:healthy", True)
    stands = [message["model"] for message in state["messages"] if message["state"] == "done"]
    assert stands == ["faulty"] * (turn - 1) + ["healthy"] * (5 - turn)


@pytest.mark.usefixtures("both")
async def test_a_slow_model_whose_host_is_there_is_waited_for(
    conversation: Conversation, faulty: OpenAIServer, healthy: OpenAIServer
) -> None:
    gate = Gate()
    faulty.answer(says("At ", "last.", gate=gate), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    await faulty.changed.until(lambda: any(asked.path.endswith("/models") for asked in faulty.exchanges))
    gate.open()
    await run
    assert healthy.asked == []
    assert (await debates.state(conversation))["messages"][0]["text"] == "At last."


@pytest.mark.usefixtures("both")
async def test_what_the_first_said_is_not_what_the_second_hears(
    conversation: Conversation, faulty: OpenAIServer, healthy: OpenAIServer
) -> None:
    faulty.answer(says("Half ", "a word", fault=Fault.CUT, fault_after=2), to="Market Context")
    await held(conversation)
    [asked] = healthy.asked
    assert "Half" not in str(asked.body)
    assert '"speaker": "Financial Analyst"' in str(asked.messages)


@pytest.mark.usefixtures("both")
async def test_one_answer_that_broke_off_does_not_rule_a_provider_out(
    conversation: Conversation, faulty: OpenAIServer, healthy: OpenAIServer
) -> None:
    faulty.answer(says("Half ", fault=Fault.CUT, fault_after=1), to="Market Context")
    state = (await held(conversation), await debates.state(conversation))[1]
    stands = [message["model"] for message in state["messages"] if message["state"] == "done"]
    assert stands == ["faulty", "healthy", "faulty", "faulty"]


@pytest.mark.usefixtures("both")
async def test_a_provider_that_comes_and_goes_leaves_a_whole_debate(
    alice: User, faulty: OpenAIServer, healthy: OpenAIServer
) -> None:
    conversation = await debates.created(alice, rounds=3)
    faulty.flap(says("Half ", fault=Fault.RESET, fault_after=1))
    rows = await held(conversation)
    state = await debates.state(conversation)
    assert state["status"] == "completed"
    stands = [
        (message["agent"], message["round"]) for message in state["messages"] if message["state"] == "done"
    ]
    assert stands == [(agent, round_) for round_ in (1, 2, 3) for agent in AGENTS[:3]] + [("Moderator", 3)]
    assert len(events(rows, "fallback")) == len(events(rows, "message_discard")) > 1


@pytest.mark.usefixtures("both")
async def test_the_next_debate_does_not_ask_a_dead_one(
    alice: User, conversation: Conversation, faulty: OpenAIServer, healthy: OpenAIServer
) -> None:
    faulty.answer(fails(500))
    await held(conversation)
    assert len(faulty.asked) == 1
    following = await debates.created(alice)
    rows = await held(following)
    assert len(faulty.asked) == 1
    assert events(rows, "message_discard") == []
    # Told once, and not again for each turn.
    [told] = events(rows, "fallback")
    assert (told["from"], told["to"], told["code"]) == (
        "openai-compatible:faulty",
        "openai-compatible:healthy",
        "provider_down",
    )


@pytest.mark.usefixtures("both")
async def test_a_dead_one_that_is_back_speaks_again(
    alice: User, conversation: Conversation, faulty: OpenAIServer, healthy: OpenAIServer
) -> None:
    faulty.answer(fails(500))
    await held(conversation)
    await circuit_breaker.let_probe([parse(faulty.provider)])
    following = await debates.created(alice)
    rows = await held(following)
    assert events(rows, "fallback") == []
    assert {message["model"] for message in events(rows, "agent_message")} == {"faulty"}
    assert circuit_breaker.statuses([parse(faulty.provider)])[0].state is State.CLOSED


@pytest.mark.usefixtures("both")
async def test_a_cancelled_probe_leaves_room_for_another(
    conversation: Conversation, faulty: OpenAIServer
) -> None:
    provider = parse(faulty.provider)
    await circuit_breaker.failed(provider, _down())
    await circuit_breaker.let_probe([provider])
    gate = Gate()
    faulty.answer(says("never", gate=gate))
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    run.cancel()
    await asyncio.wait([run])
    await circuit_breaker.admit(provider)


def _down() -> ProviderError:
    return ProviderError("provider_down", "It is down.", retryable=True)


# Limits of the rate


async def test_turn_waits_for_a_short_rate_limit_when_no_other_is_left(
    conversation: Conversation, faulty: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_PROVIDERS, settings.OUTCRY_DEMO_FALLBACK = [faulty.provider], True
    faulty.answer(fails(429, retry_after=1), to="Market Context")
    rows = await held(conversation)
    state = await debates.state(conversation)
    assert (state["status"], state["mode"]) == ("completed", "live")
    [told] = events(rows, "fallback")
    assert told["from"] == told["to"] == "openai-compatible:faulty"
    assert told["code"] == "provider_rate_limited"
    assert "again in 1 s" in told["reason"]


@pytest.mark.parametrize("retry_after", [None, 3600])
@pytest.mark.usefixtures("then_demo")
async def test_turn_does_not_wait_for_a_long_or_unknown_rate_limit(
    conversation: Conversation, faulty: OpenAIServer, retry_after: int | None
) -> None:
    faulty.answer(fails(429, retry_after=retry_after), times=10)
    await held(conversation)
    assert (await debates.fresh(conversation)).mode == "demo"
    assert len(faulty.asked) == 1


@pytest.mark.usefixtures("then_demo")
async def test_rate_limited_provider_is_waited_for_twice_at_most(
    conversation: Conversation, faulty: OpenAIServer
) -> None:
    faulty.answer(fails(429, retry_after=0), times=100)
    await held(conversation)
    assert (await debates.fresh(conversation)).mode == "demo"
    assert len(faulty.asked) == 3


# The last resort


@pytest.mark.parametrize("place", range(4))
@pytest.mark.usefixtures("then_demo")
async def test_the_demo_speaks_when_nobody_else_does_and_says_so(
    conversation: Conversation, faulty: OpenAIServer, place: int
) -> None:
    faulty.answer(fails(500), to=AGENTS[place], times=10)
    rows = await held(conversation)
    row = await debates.fresh(conversation)
    assert (row.status, row.mode) == ("completed", "demo")
    said = events(rows, "agent_message")
    assert [(each["agent"], each["mode"]) for each in said] == [
        (agent, "live" if number < place else "demo") for number, agent in enumerate(AGENTS)
    ]
    [told] = events(rows, "fallback")
    assert (told["to"], told["code"]) == ("demo", "provider_down")
    verdict = events(rows, "complete")[0]
    assert (verdict["verdict"], verdict["reason"], verdict["mode"], verdict["confidence"]) == (
        "no_verdict",
        "demo",
        "demo",
        None,
    )
    # The mode is told before the first word of the demo is.
    modes = [(type_, data["mode"]) for _, type_, data in rows if type_ in {"status", "message_start"}]
    assert modes.index(("status", "demo")) < modes.index(("message_start", "demo"))
    assert events(rows, "status")[-1]["mode"] == "demo"


@pytest.mark.usefixtures("then_demo")
async def test_once_a_demo_speaks_no_real_model_does_any_more(
    conversation: Conversation, faulty: OpenAIServer
) -> None:
    faulty.answer(fails(500))
    await held(conversation)
    # It would answer again, and its circuit would let it.
    assert len(faulty.asked) == 1


@pytest.mark.usefixtures("then_demo")
async def test_a_demo_stays_one_over_a_restart(conversation: Conversation, faulty: OpenAIServer) -> None:
    faulty.answer(fails(500))
    run = supervisor.launch(conversation.pk)
    await debates.until_stored(conversation, "message_start", mode="demo")
    run.cancel()
    await asyncio.wait([run])
    await debates.lapse(conversation)
    await circuit_breaker.let_probe([parse(faulty.provider)])
    rows = await held(conversation)
    assert {message["mode"] for message in events(rows, "agent_message")} == {"demo"}
    assert events(rows, "complete")[0]["verdict"] == "no_verdict"


@pytest.mark.usefixtures("both")
async def test_without_the_demo_the_debate_ends_with_what_each_said(
    conversation: Conversation, faulty: OpenAIServer, healthy: OpenAIServer
) -> None:
    faulty.answer(fails(401))
    healthy.answer(fails(500))
    rows = await held(conversation)
    row = await debates.fresh(conversation)
    assert (row.status, row.reason, row.mode) == ("error", "providers_exhausted", "live")
    [error] = events(rows, "error")
    assert "openai-compatible:faulty: The model's provider refused the key." in error["message"]
    assert "openai-compatible:healthy: The model's provider has a fault at its end." in error["message"]
    assert faulty.url not in str(rows)


@pytest.mark.usefixtures("then_demo")
async def test_provider_that_broke_off_is_tried_again_before_the_demo(
    conversation: Conversation, faulty: OpenAIServer
) -> None:
    faulty.answer(says("Half ", fault=Fault.RESET, fault_after=1), to="Market Context")
    rows = await held(conversation)
    assert (await debates.fresh(conversation)).mode == "live"
    assert events(rows, "fallback") == []
    assert [data["reason"] for data in events(rows, "message_discard")] == ["provider_dropped"]


# The verdict


@pytest.mark.parametrize("broken", [no_json(), breaks_schema()], ids=["no JSON", "another shape"])
@pytest.mark.usefixtures("both")
async def test_a_verdict_that_is_none_is_asked_of_the_next(
    conversation: Conversation, faulty: OpenAIServer, healthy: OpenAIServer, broken: Reply
) -> None:
    faulty.answer(broken, to="Moderator", times=5)
    rows = await held(conversation)
    state = await debates.state(conversation)
    assert (state["complete"]["verdict"], state["messages"][-1]["model"]) == ("buy", "healthy")
    # The judgement stands, though it has no verdict: it was paid for.
    assert events(rows, "message_discard") == []
    assert [message["model"] for message in state["messages"][-2:]] == ["faulty", "healthy"]
    assert [data["code"] for data in events(rows, "fallback")] == ["provider_invalid_answer"]


@pytest.mark.usefixtures("then_demo")
async def test_invalid_verdict_leaves_a_live_debate_without_a_verdict(
    conversation: Conversation, faulty: OpenAIServer
) -> None:
    faulty.answer(no_json(), to="Moderator", times=5)
    state = (await held(conversation), await debates.state(conversation))[1]
    assert (state["mode"], state["complete"]["verdict"], state["complete"]["reason"]) == (
        "live",
        "no_verdict",
        "invalid_answer",
    )


# Limits of a provider's own


async def test_a_provider_may_have_limits_of_its_own(
    conversation: Conversation, faulty: OpenAIServer, healthy: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_PROVIDERS = [f"{faulty.provider}?first_token=0.2", healthy.provider]
    faulty.answer(says(fault=Fault.HANG), to="Financial Analyst")
    rows = await held(conversation)
    assert [data["code"] for data in events(rows, "fallback")] == ["provider_timeout"]


async def test_a_question_to_the_owner_survives_the_failover(
    conversation: Conversation, faulty: OpenAIServer, healthy: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_PROVIDERS = [faulty.provider, healthy.provider]
    settings.OUTCRY_INPUT_TIMEOUT_SECONDS = 0.05
    faulty.answer(asks("Which horizon?"), fails(500), to="Financial Analyst")
    await held(conversation)
    [asked] = [exchange for exchange in healthy.asked if exchange.agent == "Financial Analyst"]
    assert "You have asked the person" in str(asked.messages)


# Going on, and giving up


async def test_a_debate_that_breaks_off_again_and_again_is_ended(
    conversation: Conversation, faulty: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_PROVIDERS = [faulty.provider]
    for _ in range(1 + supervisor.MAX_RESUMES):
        await _crash(conversation, "Market Context", faulty)
    rows = await held(conversation)
    assert statuses(rows)[-1] == "error"
    assert (rows[-1][2]["reason"], events(rows, "error")[0]["code"]) == ("resume_failed", "resume_failed")
    state = await debates.state(conversation)
    assert {message["state"] for message in state["messages"]} == {"done", "discarded"}
    assert state["messages"][0]["text"].startswith("Financial Analyst speaks")


async def test_a_finished_turn_gives_the_next_one_all_its_attempts(
    alice: User, faulty: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_PROVIDERS = [faulty.provider]
    conversation = await debates.created(alice)
    for agent in ("Financial Analyst", "Market Context", "Risk Challenger"):
        for _ in range(supervisor.MAX_RESUMES):
            await _crash(conversation, agent, faulty)
    rows = await held(conversation)
    assert statuses(rows)[-1] == "completed"


async def _crash(conversation: Conversation, agent: str, server: OpenAIServer) -> None:
    """Run it as a process does that is killed in the middle of this agent's turn."""
    gate = Gate()
    server.answer(says("Half ", "a word", gate=gate), to=agent)
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    attempts = (await debates.fresh(conversation)).attempts
    run.cancel()
    await asyncio.wait([run])
    # Killed, it would not have handed the debate back.
    update = Conversation.objects.filter(pk=conversation.pk).update
    lapsed = timezone.now() - timedelta(seconds=1)
    await database.call(lambda: update(attempts=attempts, run=conversation.pk, lease_until=lapsed))


async def test_a_lapsed_run_is_fenced(conversation: Conversation) -> None:
    run = await debates.claim(conversation)
    await appender.append(conversation.pk, debates.status(Status.ACTIVE), run=run)
    await debates.lapse(conversation)
    with pytest.raises(Fenced):
        await appender.append(conversation.pk, debates.status(Status.PAUSED), run=run)
    assert statuses(await debates.rows(conversation)) == ["queued", "active"]


async def test_what_is_discarded_is_discarded_once(
    conversation: Conversation, faulty: OpenAIServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTCRY_PROVIDERS = [faulty.provider]
    faulty.answer(fails(500), to="Financial Analyst")
    # The log is a little behind when the debate gives up.
    store_batch, never = store.store_batch, threading.Event()

    def slowly(appends: Sequence[store.Append], *rest: Any) -> store.Stored:
        if any(event.type == "message_discard" for append in appends for event in append.events):
            never.wait(0.2)
        return store_batch(appends, *rest)

    monkeypatch.setattr(store, "store_batch", slowly)
    await supervisor.run(conversation.pk)
    rows = await debates.rows(conversation)
    assert len(events(rows, "message_discard")) == 1
    assert statuses(rows)[-1] == "error"


# Ends


async def test_an_answer_without_an_end_is_ended(
    conversation: Conversation, faulty: OpenAIServer, healthy: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_PROVIDERS = [faulty.provider, healthy.provider]
    settings.OUTCRY_MAX_ANSWER_TOKENS = 32
    faulty.answer(says(*["on "] * 10_000), to="Market Context")
    rows = await held(conversation)
    assert [data["code"] for data in events(rows, "fallback")] == ["provider_looped"]
    assert (await debates.fresh(conversation)).status == "completed"
    assert len(str(rows)) < 100_000


async def test_a_judged_debate_says_nothing_more(
    alice: User, faulty: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_PROVIDERS = [faulty.provider]
    settings.OUTCRY_MAX_ANSWER_TOKENS = 100
    conversation = await debates.created(alice, rounds=6, max_tokens=8_000)
    run = await debates.claim(conversation)
    state, _ = await database.call(recovery.read, conversation.pk)
    budget = ConversationBudget(conversation.pk)
    async for event in Assignment(state, NoPeople(), budget).events():
        if isinstance(event, StatusChanged) and event.status == "completed":
            break
        await appender.append(conversation.pk, event, run=run)
    # Killed before its last event; there is money again.
    await database.call(lambda: Conversation.objects.filter(pk=conversation.pk).update(max_tokens=None))
    await debates.lapse(conversation)
    before = await debates.rows(conversation)
    rows = await held(conversation)
    assert [type_ for _, type_, _ in rows[len(before) :] if type_ != "status"] == []
    assert (statuses(rows)[-1], rows[-1][2]["reason"]) == ("completed", "budget")


async def test_a_log_that_cannot_be_read_ends_the_debate(
    conversation: Conversation, faulty: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> Any:
        raise KeyError("an event of a newer release")

    monkeypatch.setattr(recovery, "read", unreadable)
    monkeypatch.setattr(endings, "unfinished", unreadable)
    rows = await held(conversation)
    assert (statuses(rows)[-1], rows[-1][2]["reason"]) == ("error", "internal")


async def test_run_that_cannot_read_the_database_releases_the_debate(
    conversation: Conversation, faulty: OpenAIServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTCRY_DATABASE_PATIENCE_SECONDS = 0

    def away(*_: object) -> Any:
        raise OperationalError("away")

    with monkeypatch.context() as patched:
        patched.setattr(recovery, "read", away)
        await supervisor.run(conversation.pk)
    settings.OUTCRY_DATABASE_PATIENCE_SECONDS = 60
    row = await debates.fresh(conversation)
    assert (row.status, row.run) == ("queued", None)
