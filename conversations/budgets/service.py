"""Budgets: reserve the maximum cost of a call to a model before it is made, settle it afterwards, and report what is
left.

A call counts in three accounts: its debate's, and those of the debate's owner and of the installation for the day
(UTC).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from operator import sub
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from conversations.budgets import ledger
from conversations.budgets.ledger import Account, Amount
from conversations.domain.budget_guard import Call
from conversations.domain.errors import LimitReached, OverBudget
from conversations.domain.events import Usage
from conversations.infrastructure import database
from conversations.models import Conversation, Reservation
from conversations.providers import pricing

N = TypeVar("N", int, float)

# The precision of the ledger's columns of US dollars.
_PLACES: Final = Decimal("0.00000001")


@dataclass(frozen=True)
class Amounts:
    """US dollars, input and output tokens, and seconds during which models answered. Null is "no limit" in limits and
    remaining amounts, and "unknown" in spent amounts."""

    usd: float | None
    tokens: int | None
    seconds: float | None


class ConversationBudget:
    """The budget guard of one conversation: its own limits, its owner's for a day, and the installation's for a day.

    The ledger is kept without limits, too, so that a limit that is set later includes today's costs."""

    def __init__(self, conversation: UUID) -> None:
        self._conversation = conversation
        self._row: Conversation | None = None
        self._opened: date | None = None

    async def reserve(self, call: Call, keep: Call | None = None) -> UUID:
        reservation = uuid4()
        # While the database is unavailable the debate waits, because no call may be made without a reservation.
        await database.call(self._reserve, reservation, call, keep, retry=True)
        return reservation

    async def settle(self, reservation: UUID, usage: Usage | None, seconds: float) -> None:
        await database.call(self._settle, reservation, usage, seconds, retry=True)

    def _accounts(self, day: date) -> list[Account]:
        if self._row is None:
            # Read once: the owner and the limits never change.
            self._row = Conversation.objects.get(pk=self._conversation)
        return [ledger.conversation_account(self._row), *ledger.day_accounts(self._row.owner_id, day)]

    def _reserve(self, reservation: UUID, call: Call, keep: Call | None) -> None:
        day = ledger.today()
        accounts = self._accounts(day)
        if self._opened != day:
            # In a transaction of its own, so that inserting an entry never waits while locks on other entries are held.
            ledger.open_entries(accounts)
            self._opened = day
        try:
            with database.writing(), transaction.atomic():
                self._set_aside(reservation, accounts, call, keep)
        except IntegrityError:
            # After a commit whose answer was lost, a retry finds the reservation stored.
            if not Reservation.objects.filter(pk=reservation).exists():
                raise

    def _set_aside(self, reservation: UUID, accounts: list[Account], call: Call, keep: Call | None) -> None:
        entries = ledger.lock_entries(accounts)
        longest = entries[accounts[0].entry_key].longest
        held = reservation_of(reservation, accounts[1].day, call, longest)
        held.conversation_id = self._conversation
        held.save(force_insert=True)
        need = _need([call] if keep is None else [call, keep], longest)
        for account in accounts:
            if (limit := account.exceeded(entries[account.entry_key], need)) is not None:
                raise OverBudget(f"{limit} does not cover another turn.")
        ledger.add(entries.values(), amount(held))

    def _settle(self, reservation: UUID, usage: Usage | None, seconds: float) -> None:
        with database.writing(), transaction.atomic():
            held = Reservation.objects.select_for_update().filter(pk=reservation).first()
            if held is None:
                return
            accounts = self._accounts(held.day)
            entries = ledger.lock_entries(accounts)
            own = entries[accounts[0].entry_key]
            own.longest = max(own.longest, seconds)
            ledger.add(entries.values(), Amount(*map(sub, used(held, usage, seconds), amount(held))))
            held.delete()


async def write_off_reservations(conversation: UUID) -> None:
    """Count the open reservations of the conversation's earlier runs as spent. Raises LogUnavailable."""
    # The ledger's entries already include the reserved amounts.
    await database.call(Reservation.objects.filter(conversation=conversation).delete, retry=True)


def limits(conversation: Conversation) -> Amounts:
    """The conversation's own limits."""
    usd = conversation.max_usd
    return Amounts(None if usd is None else float(usd), conversation.max_tokens, conversation.max_seconds)


def spent(conversation: Conversation) -> Amounts:
    """The conversation's costs, without the current call. A call whose tokens the provider did not count costs its
    reservation. All amounts are None for a conversation older than the ledger; `usd` is None once the price of any call
    is unknown."""
    known = ledger.spent(ledger.conversation_account(conversation))
    if known is None:
        return Amounts(None, None, None)
    return Amounts(None if known.unpriced else float(known.usd), known.tokens, known.seconds)


def left_today(owner: int) -> Amounts:
    """What is left today of the user's and the installation's limits."""
    accounts = [
        (account, ledger.spent(account) or Amount()) for account in ledger.day_accounts(owner, ledger.today())
    ]
    usd = _least((account.max_usd, spent.usd) for account, spent in accounts)
    return Amounts(
        usd=None if usd is None else float(usd),
        tokens=_least((account.max_tokens, spent.tokens) for account, spent in accounts),
        seconds=_least((account.max_seconds, spent.seconds) for account, spent in accounts),
    )


def _least(limits_and_spent: Iterable[tuple[Any, Any]]) -> Any:
    left = [limit - spent for limit, spent in limits_and_spent if limit is not None]
    return max(0, min(left)) if left else None


def require_today(owner: int, first: Call, last: Call) -> None:
    """Check that today's limits allow a debate whose first and last calls are these. Raises LimitReached.

    An account without costs today refuses no debate: if its limit is too small for one, waiting for tomorrow would not
    help."""
    need = _need([first, last], 0.0)
    today = ledger.today()
    for account in ledger.day_accounts(owner, today):
        if not account.is_limited:
            continue
        spent = ledger.spent(account) or Amount()
        if spent != Amount() and (limit := account.exceeded(spent, need)) is not None:
            midnight = datetime.combine(today + timedelta(days=1), time(), UTC)
            wait = (midnight - timezone.now()).total_seconds()
            raise LimitReached(f"{limit} is used up. It is renewed at midnight UTC.", wait)


def stricter(asked: N | None, allowed: N | None) -> N | None:
    """The stricter of two limits; None is no limit."""
    return min((limit for limit in (asked, allowed) if limit is not None), default=None)


def reservation_of(id_: UUID, day: date, call: Call, seconds: float) -> Reservation:
    """An unsaved reservation of the call, without a conversation."""
    return Reservation(
        pk=id_,
        day=day,
        provider=call.provider,
        model=call.model,
        usd=_price(call.provider, call.model, call.most),
        tokens=call.input_tokens + call.output_tokens,
        seconds=seconds,
    )


def amount(held: Reservation) -> Amount:
    """What is reserved."""
    return Amount(held.usd or Decimal(0), int(held.usd is None), held.tokens, held.seconds)


def used(held: Reservation, usage: Usage | None, seconds: float) -> Amount:
    """The amounts that the call used. Where the provider did not count tokens, tokens and dollars are those
    reserved."""
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return amount(held)._replace(seconds=seconds)
    tokens = usage.input_tokens + usage.output_tokens
    # Zero tokens cost nothing, even at an unknown price.
    usd = _price(held.provider, held.model, usage) if tokens else Decimal(0)
    return Amount(usd or Decimal(0), int(usd is None), tokens, seconds)


def _need(calls: list[Call], longest: float) -> Amount:
    prices = [_price(call.provider, call.model, call.most) for call in calls]
    return Amount(
        usd=sum((price for price in prices if price is not None), Decimal(0)),
        unpriced=prices.count(None),
        tokens=sum(call.input_tokens + call.output_tokens for call in calls),
        seconds=longest * len(calls),
    )


def _price(provider: str, model: str, usage: Usage) -> Decimal | None:
    cost = ledger.exact(pricing.cost(provider, model, usage))
    return None if cost is None else cost.quantize(_PLACES)
