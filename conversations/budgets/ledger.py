"""The books of what debates spend: one tally for each debate, and for each day (UTC) of a person and of everybody.

What is set aside is in the tallies at once, and settling corrects them; so what nobody settles has been spent, at its
most.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Subquery, Sum, Value
from django.utils import timezone

from conversations.domain.enums import TERMINAL
from conversations.models import Conversation, Reservation, Tally

Row = tuple[str, str, date]


@dataclass(frozen=True)
class Need:
    """What calls may cost; `usd` is None where no price is known."""

    usd: Decimal | None
    tokens: int
    seconds: float


@dataclass(frozen=True)
class Spent:
    """`usd` is without the calls whose price is unknown, of which there are `unpriced`."""

    usd: Decimal = Decimal(0)
    unpriced: int = 0
    tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Account:
    """What a tally counts, with its limits and the words for them."""

    scope: Tally.Scope
    key: str
    day: date
    max_usd: Decimal | None
    max_tokens: int | None
    max_seconds: float | None
    words: str

    @property
    def row(self) -> Row:
        return self.scope.value, self.key, self.day

    def passed(self, spent: Spent, need: Need) -> str | None:
        """The limit that the need would pass after what was spent, in words."""
        if self.max_usd is not None and need.usd is not None and spent.usd + need.usd > self.max_usd:
            return self.words.format(_dollars(self.max_usd))
        if self.max_tokens is not None and spent.tokens + need.tokens > self.max_tokens:
            return self.words.format(_many(self.max_tokens, "token"))
        # How long a call takes nobody knows before the first, so that one needs nothing but time that is left.
        if self.max_seconds is not None and (
            spent.seconds + need.seconds > self.max_seconds or spent.seconds >= self.max_seconds
        ):
            return self.words.format(_duration(self.max_seconds))
        return None


def today() -> date:
    return timezone.now().astimezone(UTC).date()


def debate(conversation: Conversation) -> Account:
    """The conversation's own account; its day is its first one."""
    return Account(
        Tally.Scope.CONVERSATION,
        str(conversation.pk),
        conversation.created_at.astimezone(UTC).date(),
        conversation.max_usd,
        conversation.max_tokens,
        conversation.max_seconds,
        "The debate's budget of {}",
    )


def days(owner: int, day: date) -> list[Account]:
    """The person's account for the day, and everybody's."""
    return [
        Account(
            Tally.Scope.USER,
            str(owner),
            day,
            exact(settings.OUTCRY_MAX_USD_PER_USER_DAY),
            settings.OUTCRY_MAX_TOKENS_PER_USER_DAY,
            settings.OUTCRY_MAX_SECONDS_PER_USER_DAY,
            "The budget of {} a day for each person",
        ),
        Account(
            Tally.Scope.INSTALLATION,
            "",
            day,
            exact(settings.OUTCRY_MAX_USD_PER_DAY),
            settings.OUTCRY_MAX_TOKENS_PER_DAY,
            settings.OUTCRY_MAX_SECONDS_PER_DAY,
            "The budget of {} a day for all debates",
        ),
    ]


def exact(usd: float | None) -> Decimal | None:
    """Dollars as they are written, not as a float has them."""
    return None if usd is None else Decimal(str(usd))


def begin(accounts: Iterable[Account]) -> None:
    """Have a tally for each."""
    rows = [Tally(scope=scope, key=key, day=day) for scope, key, day in sorted(each.row for each in accounts)]
    Tally.objects.bulk_create(rows, ignore_conflicts=True)


def locked(accounts: Iterable[Account]) -> dict[Row, Tally]:
    """The tallies, locked until the transaction ends."""
    # One order for everybody: two processes never wait for each other crosswise.
    rows = Tally.objects.select_for_update().filter(_rows(accounts)).order_by("scope", "key", "day")
    return {(tally.scope, tally.key, tally.day): tally for tally in rows}


def add(tallies: Iterable[Tally], more: Spent) -> None:
    """Add to locked tallies what may be negative, too."""
    for tally in tallies:
        tally.usd += more.usd
        tally.unpriced += more.unpriced
        tally.tokens += more.tokens
        # Fractions do not come out even.
        tally.seconds = max(0.0, tally.seconds + more.seconds)
        tally.save(update_fields=["usd", "unpriced", "tokens", "seconds", "longest"])


def tallied(tally: Tally) -> Spent:
    """With what is only set aside."""
    return Spent(tally.usd, tally.unpriced, tally.tokens, tally.seconds)


def spent(account: Account) -> Spent | None:
    """Without what debates that go on have only set aside, which may come back in a moment. None: it has no tally."""
    held = _open(account).order_by().values(one=Value(1))
    # In one statement: between two, a reservation may be settled.
    rows = Tally.objects.filter(_rows([account])).annotate(
        held_usd=Subquery(held.annotate(held=Sum("usd")).values("held")),
        held_unpriced=Subquery(held.annotate(held=Count("pk", filter=Q(usd=None))).values("held")),
        held_tokens=Subquery(held.annotate(held=Sum("tokens")).values("held")),
        held_seconds=Subquery(held.annotate(held=Sum("seconds")).values("held")),
    )
    tally = rows.first()
    if tally is None:
        return None
    return Spent(
        tally.usd - (tally.held_usd or 0),
        tally.unpriced - (tally.held_unpriced or 0),
        tally.tokens - (tally.held_tokens or 0),
        max(0.0, tally.seconds - (tally.held_seconds or 0)),
    )


def _open(account: Account) -> QuerySet[Reservation]:
    held = Reservation.objects.exclude(conversation__status__in=TERMINAL)
    match account.scope:
        case Tally.Scope.CONVERSATION:
            return held.filter(conversation=UUID(account.key))
        case Tally.Scope.USER:
            return held.filter(conversation__owner=int(account.key), day=account.day)
        case Tally.Scope.INSTALLATION:
            return held.filter(day=account.day)


def _rows(accounts: Iterable[Account]) -> Q:
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
