"""Budgets: what a debate, a person and everybody may spend, kept in books that add up under a race."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import Settings

from conversations.budgets import ledger, service
from conversations.budgets.service import Amounts, ConversationBudget
from conversations.domain import requests
from conversations.domain.budget_guard import Call
from conversations.domain.enums import Status
from conversations.domain.errors import LimitReached, LogUnavailable, OverBudget
from conversations.domain.events import Usage
from conversations.event_log import appender
from conversations.infrastructure import database
from conversations.models import Conversation, LedgerEntry, Reservation
from conversations.services import debates as services
from tests.support import debates
from tests.support.servers import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

# $0.15 and $0.60 a million tokens: this call costs 0.00015 + 0.0006 dollars at most.
CALL = Call("openai", "gpt-4o-mini", 1_000, 1_000)
PRICE = 0.00075
UNPRICED = Call("ollama", "llama3.2", 300, 100)
FREE = Call("local", "SmolLM2-135M-Instruct", 300, 100)


@pytest.fixture
def budget(conversation: Conversation) -> ConversationBudget:
    return ConversationBudget(conversation.pk)


def used(input_tokens: int | None, output_tokens: int | None) -> Usage:
    return Usage(input_tokens=input_tokens, output_tokens=output_tokens)


async def spent(conversation: Conversation) -> Amounts:
    return await database.call(service.spent, conversation)


async def entries() -> dict[str, tuple[Decimal, int, int, float]]:
    """Dollars, calls without a price, tokens and seconds of each scope."""
    rows = await database.call(lambda: list(LedgerEntry.objects.all()))
    return {entry.scope: (entry.usd, entry.unpriced, entry.tokens, entry.seconds) for entry in rows}


async def reservations() -> int:
    return await database.call(Reservation.objects.count)


# What is kept


async def test_a_call_counts_for_its_debate_its_owner_and_everybody(
    alice: User, conversation: Conversation, budget: ConversationBudget
) -> None:
    reservation = await budget.reserve(CALL)
    await budget.settle(reservation, used(400, 200), 2.5)
    what = (Decimal("0.00018"), 0, 600, 2.5)
    assert await entries() == {"conversation": what, "user": what, "installation": what}
    rows = await database.call(lambda: set(LedgerEntry.objects.values_list("scope", "key")))
    assert rows == {("conversation", str(conversation.pk)), ("user", str(alice.pk)), ("installation", "")}
    assert await reservations() == 0


async def test_what_is_set_aside_counts_before_it_is_spent(
    conversation: Conversation, budget: ConversationBudget
) -> None:
    await budget.reserve(CALL)
    assert (await entries())["installation"] == (Decimal("0.00075"), 0, 2_000, 0.0)
    # People are shown what was spent, and that is nothing yet.
    assert await spent(conversation) == Amounts(0.0, 0, 0.0)


async def test_it_is_a_debate_s_own_once_it_has_ended(
    conversation: Conversation, budget: ConversationBudget
) -> None:
    await budget.reserve(CALL)
    await appender.append(conversation.pk, debates.status(Status.CANCELLED))
    assert await spent(conversation) == Amounts(PRICE, 2_000, 0.0)


@pytest.mark.parametrize("usage", [None, used(None, 5), used(5, None), used(None, None)], ids=str)
async def test_uncounted_call_costs_what_was_reserved(
    conversation: Conversation, budget: ConversationBudget, usage: Usage | None
) -> None:
    await budget.settle(await budget.reserve(CALL), usage, 3.0)
    assert await spent(conversation) == Amounts(PRICE, 2_000, 3.0)


async def test_a_price_that_nobody_knows_is_never_nothing(
    conversation: Conversation, budget: ConversationBudget
) -> None:
    await budget.settle(await budget.reserve(CALL), used(1_000, 1_000), 1.0)
    assert (await spent(conversation)).usd == PRICE
    reservation = await budget.reserve(UNPRICED)
    assert (await spent(conversation)).usd == PRICE
    await budget.settle(reservation, used(250, 50), 1.0)
    assert await spent(conversation) == Amounts(None, 2_300, 2.0)
    # What is known still counts.
    assert (await entries())["user"] == (Decimal("0.00075"), 1, 2_300, 2.0)


async def test_what_outcry_runs_itself_costs_nothing(
    conversation: Conversation, budget: ConversationBudget
) -> None:
    await budget.settle(await budget.reserve(FREE), used(250, 50), 1.0)
    assert await spent(conversation) == Amounts(0.0, 300, 1.0)


async def test_a_call_that_took_nothing_cost_nothing(
    conversation: Conversation, budget: ConversationBudget
) -> None:
    for call in (CALL, UNPRICED, FREE):
        await budget.settle(await budget.reserve(call), used(0, 0), 0.5)
    assert await spent(conversation) == Amounts(0.0, 0, 1.5)


async def test_settling_again_changes_nothing(budget: ConversationBudget) -> None:
    reservation = await budget.reserve(CALL)
    await budget.settle(reservation, used(10, 10), 1.0)
    before = await entries()
    await budget.settle(reservation, used(900, 900), 9.0)
    await budget.settle(uuid4(), used(900, 900), 9.0)
    assert await entries() == before


async def test_reservation_of_a_killed_process_counts_as_spent(
    alice: User, conversation: Conversation, budget: ConversationBudget
) -> None:
    left = await budget.reserve(CALL)
    other = await ConversationBudget((await debates.created(alice)).pk).reserve(CALL)
    await service.write_off_reservations(conversation.pk)
    assert await spent(conversation) == Amounts(PRICE, 2_000, 0.0)
    # Somebody else's call is under way.
    assert await database.call(lambda: [row.pk for row in Reservation.objects.all()]) == [other]
    # The process was only slow.
    await budget.settle(left, used(1, 1), 1.0)
    assert await spent(conversation) == Amounts(PRICE, 2_000, 0.0)


async def test_a_conversation_that_is_older_than_the_books_is_unknown(conversation: Conversation) -> None:
    assert await spent(conversation) == Amounts(0.0, 0, 0.0)
    await database.call(LedgerEntry.objects.all().delete)
    assert await spent(conversation) == Amounts(None, None, None)


async def test_reservation_that_is_retried_is_stored_once(
    budget: ConversationBudget,
) -> None:
    reservation = uuid4()
    for _ in range(2):
        await database.call(budget._reserve, reservation, CALL, None)
    assert (await entries())["conversation"][2] == 2_000
    assert await reservations() == 1


async def test_a_day_begins_at_midnight_and_a_debate_s_budget_does_not(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTCRY_MAX_TOKENS_PER_USER_DAY = 2_500
    conversation = await debates.created(alice, max_tokens=4_500)
    budget = ConversationBudget(conversation.pk)
    late = await budget.reserve(CALL)
    with pytest.raises(OverBudget, match="a day for each person"):
        await budget.reserve(CALL)
    tomorrow = date(2100, 1, 1)
    monkeypatch.setattr(ledger, "today", lambda: tomorrow)
    await budget.reserve(CALL)
    # What was set aside yesterday is settled with yesterday.
    await budget.settle(late, used(1_000, 500), 1.0)
    by_day = await database.call(
        lambda: dict(LedgerEntry.objects.filter(scope="user").values_list("day", "tokens"))
    )
    assert by_day == {tomorrow: 2_000, datetime.now(UTC).date(): 1_500}
    monkeypatch.setattr(ledger, "today", lambda: date(2100, 1, 2))
    with pytest.raises(OverBudget, match="debate's budget"):
        await budget.reserve(CALL)


# Limits

LIMITS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"max_usd": 0.002}, {}, "The debate's budget of $0.002"),
    ({"max_tokens": 4_001}, {}, "The debate's budget of 4,001 tokens"),
    ({"max_seconds": 60}, {}, "The debate's budget of 1 minute"),
    ({}, {"USD_PER_CONVERSATION": 0.002}, "The debate's budget of $0.002"),
    ({}, {"TOKENS_PER_CONVERSATION": 4_001}, "The debate's budget of 4,001 tokens"),
    ({}, {"SECONDS_PER_CONVERSATION": 45}, "The debate's budget of 45 seconds"),
    ({}, {"USD_PER_USER_DAY": 0.002}, "The budget of $0.002 a day for each person"),
    ({}, {"TOKENS_PER_USER_DAY": 5_000}, "The budget of 5,000 tokens a day for each person"),
    ({}, {"SECONDS_PER_USER_DAY": 50}, "The budget of 50 seconds a day for each person"),
    ({}, {"USD_PER_DAY": 0.002}, "The budget of $0.002 a day for all debates"),
    ({}, {"TOKENS_PER_DAY": 5_000}, "The budget of 5,000 tokens a day for all debates"),
    ({}, {"SECONDS_PER_DAY": 50}, "The budget of 50 seconds a day for all debates"),
]


@pytest.mark.parametrize(("asked", "changed", "sentence"), LIMITS, ids=lambda value: str(value)[:40])
async def test_call_over_a_limit_is_refused_and_changes_nothing(
    alice: User, settings: Settings, asked: dict[str, Any], changed: dict[str, Any], sentence: str
) -> None:
    for name, value in changed.items():
        setattr(settings, f"OUTCRY_MAX_{name}", value)
    budget = ConversationBudget((await debates.created(alice, **asked)).pk)
    for _ in range(2):
        await budget.settle(await budget.reserve(CALL), used(1_000, 1_000), 22.0)
    before = await entries()
    with pytest.raises(OverBudget) as refused:
        await budget.reserve(CALL)
    assert (refused.value.code, refused.value.message) == (
        "budget",
        f"{sentence} does not cover another turn.",
    )
    assert (await entries(), await reservations()) == (before, 0)


async def test_a_budget_is_spent_to_its_end(alice: User) -> None:
    limits = {"max_usd": 2 * PRICE, "max_tokens": 4_000}
    budget = ConversationBudget((await debates.created(alice, **limits)).pk)
    for _ in range(2):
        await budget.reserve(CALL)
    with pytest.raises(OverBudget):
        await budget.reserve(CALL)


async def test_what_is_left_over_may_be_spent_again(alice: User) -> None:
    budget = ConversationBudget((await debates.created(alice, max_tokens=2_100)).pk)
    await budget.settle(await budget.reserve(CALL), used(50, 50), 1.0)
    await budget.reserve(CALL)


async def test_what_must_stay_payable_is_kept(alice: User) -> None:
    budget = ConversationBudget((await debates.created(alice, max_tokens=3_000)).pk)
    with pytest.raises(OverBudget):
        await budget.reserve(CALL, keep=CALL)
    # By itself it fits.
    await budget.reserve(CALL)


async def test_money_is_no_reason_to_refuse_a_call_without_a_price(alice: User) -> None:
    budget = ConversationBudget((await debates.created(alice, max_usd=0.0001)).pk)
    with pytest.raises(OverBudget):
        await budget.reserve(CALL)
    await budget.reserve(UNPRICED, keep=UNPRICED)
    await budget.reserve(FREE, keep=FREE)


async def test_a_call_may_take_as_long_as_the_longest_so_far(alice: User) -> None:
    budget = ConversationBudget((await debates.created(alice, max_seconds=100)).pk)
    for seconds in (10.0, 40.0, 5.0):
        await budget.settle(await budget.reserve(CALL), used(1, 1), seconds)
    # 55 and another 40 fit, and then 60 and another 40.
    await budget.settle(await budget.reserve(CALL), used(1, 1), 5.0)
    await budget.settle(await budget.reserve(CALL), used(1, 1), 1.0)
    with pytest.raises(OverBudget, match="budget of 100 seconds"):
        await budget.reserve(CALL)


async def test_the_first_call_needs_only_time_that_is_left(alice: User, settings: Settings) -> None:
    settings.OUTCRY_MAX_SECONDS_PER_USER_DAY = 3_600
    first, second = [ConversationBudget((await debates.created(alice)).pk) for _ in range(2)]
    await first.settle(await first.reserve(CALL), used(1, 1), 3_600.0)
    with pytest.raises(OverBudget, match="1 hour a day for each person"):
        await second.reserve(CALL)


async def test_a_limit_that_is_set_later_counts_what_today_has_cost(
    budget: ConversationBudget, settings: Settings
) -> None:
    await budget.settle(await budget.reserve(CALL), used(1_000, 1_000), 1.0)
    settings.OUTCRY_MAX_TOKENS_PER_DAY = 3_000
    with pytest.raises(OverBudget):
        await budget.reserve(CALL)


async def test_books_that_cannot_be_kept_are_told(budget: ConversationBudget, settings: Settings) -> None:
    settings.OUTCRY_DATABASE_PATIENCE_SECONDS = 0
    await database.call(_rename, "conversations_tally", "elsewhere")
    try:
        with pytest.raises(LogUnavailable):
            await budget.reserve(CALL)
    finally:
        await database.call(_rename, "elsewhere", "conversations_tally")
    await budget.reserve(CALL)


def _rename(before: str, after: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {before} RENAME TO {after}")


# Races


async def race(purses: list[ConversationBudget], times: int) -> int:
    """How many of so many calls for each budget were paid, all asked for at once."""
    asked = [budget.reserve(CALL) for budget in purses for _ in range(times)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(outcome, UUID | OverBudget) for outcome in outcomes), outcomes
    return sum(isinstance(outcome, UUID) for outcome in outcomes)


async def test_one_of_many_gets_the_last_of_a_debate_s_budget(alice: User) -> None:
    conversation = await debates.created(alice, max_tokens=3_999)
    assert await race([ConversationBudget(conversation.pk) for _ in range(4)], 3) == 1


async def test_one_of_many_gets_the_last_of_everybody_s_budget(
    alice: User, bob: User, settings: Settings
) -> None:
    settings.OUTCRY_MAX_TOKENS_PER_DAY = 7_999
    purses = [ConversationBudget((await debates.created(owner)).pk) for owner in (alice, bob, alice, bob)]
    assert await race(purses, 3) == 3
    assert await reservations() == 3


async def test_the_books_add_up_whatever_comes_together(alice: User, bob: User) -> None:
    conversations = [await debates.created(owner) for owner in (alice, bob, alice, bob)]

    async def debate(conversation: Conversation) -> None:
        budget = ConversationBudget(conversation.pk)
        for _ in range(5):
            await budget.settle(await budget.reserve(CALL), used(10, 1), 0.5)

    await asyncio.gather(*map(debate, conversations))
    assert (await entries())["installation"] == (Decimal("0.0000420"), 0, 220, 10.0)
    assert [(await spent(each)).tokens for each in conversations] == [55] * 4
    assert await reservations() == 0


_SPEND = """
import asyncio, sys
from uuid import UUID
import django
django.setup()
from conversations.budgets.service import ConversationBudget
from conversations.domain.errors import OverBudget
from conversations.domain.budget_guard import Call
from conversations.infrastructure import database

async def spend():
    budget, paid = ConversationBudget(UUID(sys.argv[1])), 0
    sys.stdin.readline()
    try:
        while True:
            await budget.reserve(Call("openai", "gpt-4o-mini", 50, 50))
            paid += 1
    except OverBudget:
        print(paid)

asyncio.run(spend())
database.close()
"""


def spender(conversation: Conversation) -> subprocess.Popen[str]:
    """A process that makes calls until it may make no more, once it is told to begin."""
    database_ = connection.settings_dict
    url = f"sqlite:///{database_['NAME']}"
    if connection.vendor == "postgresql":
        url = f"postgres://{database_['USER']}@{database_['HOST']}:{database_['PORT']}/{database_['NAME']}"
    env = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.Popen(
        [sys.executable, "-c", _SPEND, str(conversation.pk)],
        env=env,
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def test_two_processes_spend_one_budget(alice: User) -> None:
    conversation = debates.create(alice, max_tokens=4_050)
    spenders = [spender(conversation) for _ in range(2)]
    try:
        for process in spenders:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        paid = [int(process.communicate(timeout=60)[0]) for process in spenders]
    finally:
        for process in spenders:
            process.kill()
            process.wait()
    assert sum(paid) == 40
    assert Reservation.objects.count() == 40


# Before a debate starts


@pytest.fixture
def priced(settings: Settings) -> None:
    """The debates' model has a price; none of these tests asks it."""
    settings.OUTCRY_PROVIDERS = ["openai:gpt-4o-mini"]


async def spend(owner: User, call: Call = CALL, seconds: float = 1.0) -> None:
    budget = ConversationBudget((await debates.created(owner)).pk)
    await budget.settle(await budget.reserve(call), call.most, seconds)


SPENT: list[tuple[str, float, Call, float, str]] = [
    ("USD_PER_USER_DAY", PRICE, CALL, 1.0, "The budget of $0.00075 a day for each person"),
    ("TOKENS_PER_USER_DAY", 2_000, CALL, 1.0, "The budget of 2,000 tokens a day for each person"),
    ("SECONDS_PER_USER_DAY", 7_200, CALL, 7_200.0, "The budget of 2 hours a day for each person"),
    ("USD_PER_DAY", PRICE, CALL, 1.0, "The budget of $0.00075 a day for all debates"),
    ("TOKENS_PER_DAY", 400, UNPRICED, 1.0, "The budget of 400 tokens a day for all debates"),
    ("SECONDS_PER_DAY", 60, CALL, 61.0, "The budget of 1 minute a day for all debates"),
]


@pytest.mark.usefixtures("priced")
@pytest.mark.parametrize(
    ("name", "limit", "call", "seconds", "sentence"), SPENT, ids=lambda value: str(value)[:30]
)
async def test_nothing_starts_on_a_day_that_is_spent(
    alice: User, settings: Settings, name: str, limit: float, call: Call, seconds: float, sentence: str
) -> None:
    await spend(alice, call, seconds)
    setattr(settings, f"OUTCRY_MAX_{name}", limit)
    with pytest.raises(LimitReached) as refused:
        await debates.created(alice)
    assert refused.value.message == f"{sentence} is used up. It is renewed at midnight UTC."
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after <= 86_400
    assert await database.call(Conversation.objects.count) == 1


@pytest.mark.usefixtures("priced")
async def test_somebody_else_s_day_is_their_own(alice: User, bob: User, settings: Settings) -> None:
    await spend(bob)
    settings.OUTCRY_MAX_TOKENS_PER_USER_DAY = 2_000
    await debates.created(alice)


@pytest.mark.usefixtures("priced")
async def test_what_does_not_cover_a_turn_is_as_good_as_spent(alice: User, settings: Settings) -> None:
    await spend(alice)
    settings.OUTCRY_MAX_TOKENS_PER_DAY = 2_001
    with pytest.raises(LimitReached):
        await debates.created(alice)


@pytest.mark.usefixtures("priced")
async def test_a_limit_that_covers_no_debate_is_left_to_the_debate(alice: User, settings: Settings) -> None:
    settings.OUTCRY_MAX_TOKENS_PER_DAY = 1
    for _ in range(2):
        budget = ConversationBudget((await debates.created(alice)).pk)
        with pytest.raises(OverBudget):
            await budget.reserve(CALL)


async def test_money_that_is_spent_stops_no_debate_without_a_price(alice: User, settings: Settings) -> None:
    await spend(alice)
    settings.OUTCRY_MAX_USD_PER_DAY = PRICE
    settings.OUTCRY_PROVIDERS = ["local"]
    await debates.created(alice)


@pytest.mark.usefixtures("priced")
async def test_what_is_only_set_aside_stops_no_start(alice: User, settings: Settings) -> None:
    budget = ConversationBudget((await debates.created(alice)).pk)
    await budget.reserve(Call("openai", "gpt-4o-mini", 50_000, 50_000))
    settings.OUTCRY_MAX_TOKENS_PER_USER_DAY = 60_000
    await debates.created(alice)


async def test_what_is_left_today_is_by_the_stricter_limit(
    alice: User, bob: User, settings: Settings
) -> None:
    assert await database.call(service.left_today, alice.pk) == Amounts(None, None, None)
    await spend(alice, seconds=10.0)
    await spend(bob, seconds=30.0)
    # What another person's debate has only set aside is not taken off.
    await ConversationBudget((await debates.created(bob)).pk).reserve(CALL)
    settings.OUTCRY_MAX_USD_PER_USER_DAY = 0.5
    settings.OUTCRY_MAX_TOKENS_PER_USER_DAY = 5_000
    settings.OUTCRY_MAX_TOKENS_PER_DAY = 6_000
    settings.OUTCRY_MAX_SECONDS_PER_DAY = 35
    assert await database.call(service.left_today, alice.pk) == Amounts(0.49925, 2_000, 0.0)


def test_limits_are_the_stricter_of_request_and_settings(alice: User, settings: Settings) -> None:
    settings.OUTCRY_MAX_USD_PER_CONVERSATION = 0.5
    settings.OUTCRY_MAX_TOKENS_PER_CONVERSATION = None
    settings.OUTCRY_MAX_SECONDS_PER_CONVERSATION = 3_600
    asked = {"topic": "Buy?", "max_usd": 0.25, "max_tokens": 9_000}
    own = services.create(alice, requests.NewConversation.parse(asked))
    own.refresh_from_db()
    assert service.limits(own) == Amounts(0.25, 9_000, 3_600)
    general = services.create(alice, requests.NewConversation.parse({"topic": "Buy?"}))
    general.refresh_from_db()
    assert service.limits(general) == Amounts(0.5, None, 3_600)
