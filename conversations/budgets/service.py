"""What debates may spend: the purse that sets it aside before each call, and what is spent and left.

A call counts three times: for its debate, and on its day (UTC) for the debate's owner and for all debates.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, TypeVar
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from conversations.budgets import ledger
from conversations.budgets.ledger import Account, Need, Spent
from conversations.domain.budget_guard import Call
from conversations.domain.errors import LimitReached, OverBudget
from conversations.domain.events import Usage
from conversations.infrastructure import database
from conversations.models import Conversation, Reservation
from conversations.providers import pricing

N = TypeVar("N", int, float)

# What the columns hold of a dollar.
_PLACES: Final = Decimal("0.00000001")


@dataclass(frozen=True)
class Amounts:
    """US dollars, tokens in and out, and seconds during which turns were spoken.

    Of limits and of what is left, None is "no limit"; of what was spent, "unknown"."""

    usd: float | None
    tokens: int | None
    seconds: float | None


class ConversationBudget:
    """Pays for the calls of one conversation, within its limits, its owner's for a day, and everybody's for a day.

    It keeps books without limits, too, so that one which is set later counts what today has cost."""

    def __init__(self, conversation: UUID) -> None:
        self._conversation = conversation
        self._row: Conversation | None = None
        self._begun: date | None = None

    async def reserve(self, call: Call, keep: Call | None = None) -> UUID:
        reservation = uuid.uuid4()
        # A debate waits for its database: it must not speak for money that nobody counts.
        await database.call(self._reserve, reservation, call, keep, retry=True)
        return reservation

    async def settle(self, reservation: UUID, usage: Usage | None, seconds: float) -> None:
        await database.call(self._settle, reservation, usage, seconds, retry=True)

    def _accounts(self, day: date) -> list[Account]:
        if self._row is None:
            # Its owner and its limits stay as they are.
            self._row = Conversation.objects.get(pk=self._conversation)
        return [ledger.debate(self._row), *ledger.days(self._row.owner_id, day)]

    def _reserve(self, reservation: UUID, call: Call, keep: Call | None) -> None:
        day = ledger.today()
        accounts = self._accounts(day)
        if self._begun != day:
            # By itself: who holds one tally must not wait for another that is just being made.
            ledger.begin(accounts)
            self._begun = day
        try:
            with database.writing(), transaction.atomic():
                self._set_aside(reservation, accounts, call, keep)
        except IntegrityError:
            # Where the answer to a commit was lost, it comes a second time.
            if not Reservation.objects.filter(pk=reservation).exists():
                raise

    def _set_aside(self, reservation: UUID, accounts: list[Account], call: Call, keep: Call | None) -> None:
        tallies = ledger.locked(accounts)
        longest = tallies[accounts[0].row].longest
        held = Reservation(
            pk=reservation,
            conversation_id=self._conversation,
            day=accounts[1].day,
            provider=call.provider,
            model=call.model,
            usd=_price(call.provider, call.model, call.most),
            tokens=call.input_tokens + call.output_tokens,
            seconds=longest,
        )
        held.save(force_insert=True)
        need = _need([call] if keep is None else [call, keep], longest)
        for account in accounts:
            if (limit := account.passed(ledger.tallied(tallies[account.row]), need)) is not None:
                raise OverBudget(f"{limit} does not cover another turn.")
        ledger.add(tallies.values(), _of(held))

    def _settle(self, reservation: UUID, usage: Usage | None, seconds: float) -> None:
        with database.writing(), transaction.atomic():
            held = Reservation.objects.select_for_update().filter(pk=reservation).first()
            if held is None:
                return
            accounts = self._accounts(held.day)
            tallies = ledger.locked(accounts)
            debate = tallies[accounts[0].row]
            debate.longest = max(debate.longest, seconds)
            before, after = _of(held), _used(held, usage, seconds)
            ledger.add(
                tallies.values(),
                Spent(
                    after.usd - before.usd,
                    after.unpriced - before.unpriced,
                    after.tokens - before.tokens,
                    after.seconds - before.seconds,
                ),
            )
            held.delete()


async def close_left(conversation: UUID) -> None:
    """Count as spent what an earlier run of the conversation set aside and did not settle. Raises LogUnavailable."""
    await database.call(_close_left, conversation, retry=True)


def begin(conversation: Conversation) -> None:
    """From now on it is known that the conversation has spent nothing yet."""
    ledger.begin([ledger.debate(conversation)])


def limits(conversation: Conversation) -> Amounts:
    """The conversation's own limits."""
    usd = conversation.max_usd
    return Amounts(None if usd is None else float(usd), conversation.max_tokens, conversation.max_seconds)


def spent(conversation: Conversation) -> Amounts:
    """What the conversation has spent, without the call that is under way. What a provider did not count is as much as
    was set aside for it. Unknown where it is older than the books; `usd` as soon as the price of a call is."""
    known = ledger.spent(ledger.debate(conversation))
    if known is None:
        return Amounts(None, None, None)
    return Amounts(None if known.unpriced else float(known.usd), known.tokens, known.seconds)


def left_today(owner: int) -> Amounts:
    """What the person's debates may still spend today, by their own limits and by everybody's."""
    accounts = [(account, ledger.spent(account) or Spent()) for account in ledger.days(owner, ledger.today())]
    usd = [account.max_usd - spent.usd for account, spent in accounts if account.max_usd is not None]
    tokens = [
        account.max_tokens - spent.tokens for account, spent in accounts if account.max_tokens is not None
    ]
    seconds = [
        account.max_seconds - spent.seconds for account, spent in accounts if account.max_seconds is not None
    ]
    return Amounts(
        usd=None if not usd else max(0.0, float(min(usd))),
        tokens=None if not tokens else max(0, min(tokens)),
        seconds=None if not seconds else max(0.0, min(seconds)),
    )


def require_today(owner: int, first: Call, last: Call) -> None:
    """Return if a debate of the person that begins and ends with these calls can begin today. Raises LimitReached.

    A limit that would not cover the first debate of a day either refuses none: tomorrow would be no better."""
    need = _need([first, last], 0.0)
    for account in ledger.days(owner, ledger.today()):
        spent = ledger.spent(account)
        if spent is None or spent == Spent():
            continue
        if (limit := account.passed(spent, need)) is not None:
            raise LimitReached(
                f"{limit} is used up. There is a new one after midnight UTC.", _until_tomorrow()
            )


def stricter(asked: N | None, allowed: N | None) -> N | None:
    """The stricter of two limits; None is no limit."""
    if asked is None or allowed is None:
        return allowed if asked is None else asked
    return min(asked, allowed)


def _close_left(conversation: UUID) -> None:
    Reservation.objects.filter(conversation=conversation).delete()


def _of(held: Reservation) -> Spent:
    return Spent(held.usd or Decimal(0), int(held.usd is None), held.tokens, held.seconds)


def _used(held: Reservation, usage: Usage | None, seconds: float) -> Spent:
    """What the call took; tokens and money as they were set aside where the provider did not count."""
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return Spent(held.usd or Decimal(0), int(held.usd is None), held.tokens, seconds)
    tokens = usage.input_tokens + usage.output_tokens
    # Nothing costs nothing, whatever the price.
    usd = _price(held.provider, held.model, usage) if tokens else Decimal(0)
    return Spent(usd or Decimal(0), int(usd is None), tokens, seconds)


def _need(calls: list[Call], longest: float) -> Need:
    return Need(
        usd=_sum(_price(call.provider, call.model, call.most) for call in calls),
        tokens=sum(call.input_tokens + call.output_tokens for call in calls),
        seconds=longest * len(calls),
    )


def _price(provider: str, model: str, usage: Usage) -> Decimal | None:
    cost = ledger.exact(pricing.cost(provider, model, usage))
    return None if cost is None else cost.quantize(_PLACES)


def _sum(prices: Iterable[Decimal | None]) -> Decimal | None:
    """Of those that are known; None if none is."""
    known = [price for price in prices if price is not None]
    return sum(known, Decimal(0)) if known else None


def _until_tomorrow() -> float:
    midnight = datetime.combine(ledger.today() + timedelta(days=1), time(), UTC)
    return (midnight - timezone.now()).total_seconds()
