"""Storing a batch of events: one transaction that locks, numbers, inserts and advances."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from conversations.domain.enums import TERMINAL, Mode
from conversations.domain.errors import Fenced, NotFound, OutcryError
from conversations.domain.events import (
    AgentMessage,
    Complete,
    Entry,
    EventData,
    StatusChanged,
    Token,
    dump,
    frame,
)
from conversations.event_log.queries import read
from conversations.infrastructure import database
from conversations.models import Conversation, Event


@dataclass
class Append:
    """Events for one conversation, from the run that owns it (None: from a person, by right)."""

    conversation: UUID
    run: UUID | None
    events: Sequence[EventData]
    at: datetime


@dataclass
class Stored:
    """What became of a batch: rows by conversation, and the error of each append that was refused."""

    entries: dict[UUID, list[Entry]]
    refused: dict[int, OutcryError] = field(default_factory=dict)


def store_batch(appends: Sequence[Append], tries: list[Stored] | None = None) -> Stored:
    """Write a batch, all or nothing but for the refused appends; uses the caller's transaction if one is open.

    Numbers the events by the conversations' rows, which stay locked until the commit. Raises DatabaseError. `tries`
    holds what earlier tries of these very appends would have stored, and gets what this one would: where the answer to
    a commit was lost, nothing is stored twice."""
    stored = Stored(entries={})
    rows: list[tuple[Any, ...]] = []
    with transaction.atomic():
        owners = _lock({append.conversation for append in appends})
        # Theirs were the same locks: what is not there by now never will be.
        while tries:
            if _stands(tries[-1]):
                return tries[-1]
            tries.pop()
        _renew(appends, owners)
        accepted: dict[UUID, list[tuple[datetime, EventData]]] = defaultdict(list)
        for number, append in enumerate(appends):
            refusal = _refusal(append, owners)
            if refusal is None:
                accepted[append.conversation].extend((append.at, event) for event in append.events)
            else:
                stored.refused[number] = refusal
        for conversation, events in accepted.items():
            head = owners[conversation].head
            entries = []
            for seq, (at, event) in enumerate(_joined(events), start=head + 1):
                data = dump(event)
                rows.append((conversation, seq, event.type, data, at))
                entries.append(Entry(seq, event.type, frame(event.type, seq, conversation, at, data)))
            stored.entries[conversation] = entries
        _insert(rows)
        _advance(
            {conversation: entries[-1].seq for conversation, entries in stored.entries.items() if entries}
        )
        for conversation, events in accepted.items():
            if changes := _restated(events):
                Conversation.objects.filter(pk=conversation).update(**changes)
        if tries is not None:
            tries.append(stored)
    return stored


class _Owner(NamedTuple):
    """What the fence asks of a conversation. `lapsed`: its run's lease has ended, by the database's clock."""

    head: int
    run: UUID | None
    lapsed: bool


# The database's own clock, as the ORM's Now() has it.
_NOW: Final = {
    "postgresql": "STATEMENT_TIMESTAMP()",
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')",
}


def _lock(conversations: set[UUID]) -> dict[UUID, _Owner]:
    # By hand: the ORM took longer to build this than the database to answer it.
    # One order for everybody: two processes never wait for each other crosswise.
    table, key = Conversation._meta.db_table, Conversation._meta.pk
    sql = (
        f"SELECT id, head, run, lease_until < {_NOW[connection.vendor]} FROM {table}"  # noqa: S608 (our own words)
        f" WHERE id IN ({', '.join(['%s'] * len(conversations))}) ORDER BY id"
    )
    if connection.features.has_select_for_update:
        sql += " FOR UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(sql, [key.get_db_prep_value(pk, connection) for pk in conversations])
        return {
            _uuid(pk): _Owner(head, None if run is None else _uuid(run), bool(lapsed))
            for pk, head, run, lapsed in cursor.fetchall()
        }


def _uuid(value: UUID | str) -> UUID:
    # SQLite has their digits.
    return value if isinstance(value, UUID) else UUID(value)


def _renew(appends: Sequence[Append], owners: dict[UUID, _Owner]) -> None:
    """Where the database has kept this process from renewing its leases, do it now; nobody has taken these over."""
    ours = [
        append.conversation
        for append in appends
        if append.run is not None
        and (owner := owners.get(append.conversation)) is not None
        and owner.lapsed
        and owner.run == append.run
    ]
    if not ours or not database.is_slow(settings.OUTCRY_LEASE_SECONDS):
        return
    lease = timedelta(seconds=settings.OUTCRY_LEASE_SECONDS)
    Conversation.objects.filter(pk__in=ours).update(lease_until=Now() + lease)
    for conversation in ours:
        owners[conversation] = owners[conversation]._replace(lapsed=False)


def _stands(earlier: Stored) -> bool:
    """Whether an earlier try was committed, though its answer was lost. It was all or nothing: one conversation says it
    for all. The rows must be the very same: by now somebody else may have stored others at their numbers."""
    for conversation, entries in earlier.entries.items():
        if entries:
            there = read(conversation, entries[0].seq - 1, len(entries))
            # By their values: PostgreSQL has an order of its own for names.
            return [json.loads(entry.text) for entry in there] == [
                json.loads(entry.text) for entry in entries
            ]
    return False


def _refusal(append: Append, owners: dict[UUID, _Owner]) -> OutcryError | None:
    owner = owners.get(append.conversation)
    if owner is None:
        return NotFound("There is no such conversation.")
    if append.run is not None and append.run != owner.run:
        return Fenced("Another run owns this conversation.")
    if append.run is not None and owner.lapsed:
        return Fenced("The lease of this run has lapsed.")
    return None


def _joined(events: Sequence[tuple[datetime, EventData]]) -> Iterable[tuple[datetime, EventData]]:
    """Neighbouring tokens of one message as one event; the first one's time is kept."""
    held: list[Token] = []
    since: datetime | None = None
    for at, event in events:
        if isinstance(event, Token) and (not held or held[-1].message == event.message):
            since = since or at
            held.append(event)
            continue
        if held and since is not None:
            yield since, _one_token(held)
            held, since = [], None
        if isinstance(event, Token):
            held, since = [event], at
        else:
            yield at, event
    if held and since is not None:
        yield since, _one_token(held)


def _one_token(tokens: Sequence[Token]) -> Token:
    if len(tokens) == 1:
        return tokens[0]
    return Token(
        message=tokens[0].message,
        offset=tokens[0].offset,
        text="".join(token.text for token in tokens),
        token_count=sum(token.token_count for token in tokens),
        cost=tokens[-1].cost,
    )


_COLUMNS: list[Any] = [Event._meta.get_field(name) for name in ("conversation", "seq", "type", "data", "at")]


_INSERT = "INSERT INTO {} ({}) VALUES ({})".format(  # noqa: S608 (our own table's names)
    Event._meta.db_table, ", ".join(column.column for column in _COLUMNS), ", ".join(["%s"] * len(_COLUMNS))
)


def _insert(rows: Iterable[tuple[Any, ...]]) -> None:
    # By hand: the ORM builds an object and a piece of SQL for each row, which was half of the writer's time.
    values = [
        [column.get_db_prep_save(value, connection) for column, value in zip(_COLUMNS, row, strict=True)]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, values)


def _advance(heads: dict[UUID, int]) -> None:
    # By hand, because the ORM writes this as one statement a row, or one CASE that is slow to build.
    table, key = Conversation._meta.db_table, Conversation._meta.pk
    rows = [(head, key.get_db_prep_value(pk, connection)) for pk, head in heads.items()]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET head = %s WHERE id = %s", rows)  # noqa: S608 (our own table's name)


def _restated(events: Sequence[tuple[datetime, EventData]]) -> dict[str, Any]:
    """The columns of `Conversation` that these events change."""
    changes: dict[str, Any] = {}
    for at, event in events:
        match event:
            case StatusChanged(status=status, mode=mode, reason=reason):
                changes |= {"status": status, "mode": mode, "reason": reason}
                if status in TERMINAL:
                    changes |= {"finished_at": at, "run": None, "lease_until": None}
            case AgentMessage():
                # The run that has finished a turn is the first to try the next.
                changes["attempts"] = 1
                if event.mode is Mode.DEMO:
                    changes["mode"] = event.mode
            case Complete():
                changes |= {"verdict": dump(event), "cost": event.cost_summary.usd}
    return changes
