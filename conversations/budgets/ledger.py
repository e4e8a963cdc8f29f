"""The ledger of debates' costs: one entry for each debate, for each day (UTC) of a user, and for each day of the
installation.

A reservation is added to its entries at once, and settling it corrects them. So a reservation that is never settled
counts as spent, at its maximum.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Subquery, Sum, Value
from django.utils import timezone

from conversations.domain.enums import TERMINAL
from conversations.models import Conversation, LedgerEntry, Reservation

Key = tuple[str, str, date]


class Amount(NamedTuple):
    """`usd` excludes calls of unknown price, which `unpriced` counts."""

    usd: Decimal = Decimal(0)
    unpriced: int = 0
    tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Account:
    """One entry of the ledger, with its limits (None: no limit). `words` is the limit's name for people, with a
    placeholder for its size."""

    scope: LedgerEntry.Scope
    key: str
    day: date
    max_usd: Decimal | None
    max_tokens: int | None
    max_seconds: float | None
    words: str

    @property
    def entry_key(self) -> Key:
        return self.scope.value, self.key, self.day

    @property
    def is_limited(self) -> bool:
        return any(limit is not None for limit in (self.max_usd, self.max_tokens, self.max_seconds))

    def exceeded(self, spent: Amount | LedgerEntry, need: Amount) -> str | None:
        """The limit that `spent` plus `need` would exceed, in words; None if there is none."""
        if self.max_usd is not None and need.usd > 0 and spent.usd + need.usd > self.max_usd:
            return self.words.format(_dollars(self.max_usd))
        if self.max_tokens is not None and spent.tokens + need.tokens > self.max_tokens:
            return self.words.format(_many(self.max_tokens, "token"))
        # The first call needs 0 s, since no call has been measured yet, but some time must be left.
        if self.max_seconds is not None and (
            spent.seconds + need.seconds > self.max_seconds or spent.seconds >= self.max_seconds
        ):
            return self.words.format(_duration(self.max_seconds))
        return None


def today() -> date:
    return timezone.now().astimezone(UTC).date()


def conversation_account(conversation: Conversation) -> Account:
    """The conversation's own account: one entry for all days, under the day of its creation."""
    return Account(
        LedgerEntry.Scope.CONVERSATION,
        str(conversation.pk),
        conversation.created_at.astimezone(UTC).date(),
        conversation.max_usd,
        conversation.max_tokens,
        conversation.max_seconds,
        "The debate's budget of {}",
    )


def day_accounts(owner: int, day: date) -> list[Account]:
    """The user's account for the day, and the installation's."""
    return [
        Account(
            LedgerEntry.Scope.USER,
            str(owner),
            day,
            exact(settings.OUTCRY_MAX_USD_PER_USER_DAY),
            settings.OUTCRY_MAX_TOKENS_PER_USER_DAY,
            settings.OUTCRY_MAX_SECONDS_PER_USER_DAY,
            "The budget of {} a day for each person",
        ),
        Account(
            LedgerEntry.Scope.INSTALLATION,
            "",
            day,
            exact(settings.OUTCRY_MAX_USD_PER_DAY),
            settings.OUTCRY_MAX_TOKENS_PER_DAY,
            settings.OUTCRY_MAX_SECONDS_PER_DAY,
            "The budget of {} a day for all debates",
        ),
    ]


def exact(usd: float | None) -> Decimal | None:
    """The decimal of the float's shortest form: 0.1 is 0.1, not 0.1000000000000000055."""
    return None if usd is None else Decimal(str(usd))


def open_entries(accounts: Iterable[Account]) -> None:
    """Create the entries of accounts that have none."""
    keys = sorted(account.entry_key for account in accounts)
    entries = [LedgerEntry(scope=scope, key=key, day=day) for scope, key, day in keys]
    LedgerEntry.objects.bulk_create(entries, ignore_conflicts=True)


def lock_entries(accounts: Iterable[Account]) -> dict[Key, LedgerEntry]:
    """The entries, locked until the transaction ends."""
    # All processes lock in the same order, so they cannot deadlock.
    entries = LedgerEntry.objects.select_for_update().filter(_of(accounts)).order_by("scope", "key", "day")
    return {(entry.scope, entry.key, entry.day): entry for entry in entries}


def add(entries: Iterable[LedgerEntry], amount: Amount) -> None:
    """Add the amount, which may be negative, to locked entries, and save them."""
    for entry in entries:
        entry.usd += amount.usd
        entry.unpriced += amount.unpriced
        entry.tokens += amount.tokens
        # Sums of floats are inexact, and may end just below 0.
        entry.seconds = max(0.0, entry.seconds + amount.seconds)
        entry.save(update_fields=["usd", "unpriced", "tokens", "seconds", "longest"])


def spent(account: Account) -> Amount | None:
    """The settled costs, without open reservations, which may be settled for less. None without an entry."""
    held = _open_reservations(account).order_by().values(one=Value(1))
    # One statement, because a reservation could be settled between two.
    entries = LedgerEntry.objects.filter(_of([account])).annotate(
        held_usd=Subquery(held.annotate(held=Sum("usd")).values("held")),
        held_unpriced=Subquery(held.annotate(held=Count("pk", filter=Q(usd=None))).values("held")),
        held_tokens=Subquery(held.annotate(held=Sum("tokens")).values("held")),
        held_seconds=Subquery(held.annotate(held=Sum("seconds")).values("held")),
    )
    entry = entries.first()
    if entry is None:
        return None
    return Amount(
        entry.usd - (entry.held_usd or 0),
        entry.unpriced - (entry.held_unpriced or 0),
        entry.tokens - (entry.held_tokens or 0),
        max(0.0, entry.seconds - (entry.held_seconds or 0)),
    )


def _open_reservations(account: Account) -> QuerySet[Reservation]:
    kept = Reservation.objects.filter(conversation__isnull=False)
    held = kept.exclude(conversation__status__in=TERMINAL)
    match account.scope:
        case LedgerEntry.Scope.CONVERSATION:
            return held.filter(conversation=UUID(account.key))
        case LedgerEntry.Scope.USER:
            return held.filter(conversation__owner=int(account.key), day=account.day)
        case LedgerEntry.Scope.INSTALLATION:
            return held.filter(day=account.day)


def _of(accounts: Iterable[Account]) -> Q:
    wanted = Q()
    for account in accounts:
        wanted |= Q(scope=account.scope, key=account.key, day=account.day)
    return wanted


def _dollars(usd: Decimal) -> str:
    whole, _, fraction = f"{usd:,.8f}".partition(".")
    return f"${whole}.{fraction.rstrip('0'):0<2}"


def _duration(seconds: float) -> str:
    for unit, size in (("hour", 3600), ("minute", 60)):
        if seconds % size == 0:
            return _many(round(seconds) // size, unit)
    return _many(round(seconds), "second")


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
