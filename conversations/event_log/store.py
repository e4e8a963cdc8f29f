"""Storing a batch of events in one transaction:

1. lock the conversations' rows, in one order for every process;
2. refuse the appends of runs that do not own their conversation;
3. number the events, neighbouring tokens joined;
4. insert the rows, and the whole texts that they refer to;
5. index the messages that are finished for search;
6. update the conversations' own columns, such as status and cost.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from conversations.domain import spoken_models
from conversations.domain.enums import Kind, Mode
from conversations.domain.errors import Fenced, NotFound, OutcryError
from conversations.domain.events import EventData, ToolEnd, ToolStart, dump
from conversations.domain.frames import Frame, join, neighbours
from conversations.event_log.queries import read
from conversations.infrastructure import database
from conversations.models import Conversation, Event, EventText, Passage
from conversations.search import index as search


@dataclass
class Append:
    """Events for one conversation, from the run that must own it, or from a person (`run` is None). `refusal` is why
    they were not stored."""

    conversation: UUID
    run: UUID | None
    events: Sequence[EventData]
    at: datetime
    refusal: OutcryError | None = field(default=None, init=False)


# New frames by conversation.
Stored = dict[UUID, list[Frame]]


def store_batch(appends: Sequence[Append], attempts: list[Stored] | None = None) -> Stored:
    """Write a batch in one transaction, the caller's if one is open; returns the new frames. Refused appends are left
    out, and get their `refusal`.

    `attempts` holds the outcomes of earlier attempts to store the same appends; this outcome is added. With it, a retry
    after a commit whose answer was lost stores nothing twice. Raises DatabaseError."""
    with transaction.atomic():
        owners = _lock({append.conversation for append in appends})
        # This transaction holds the locks of the earlier attempts, so none of them can still commit.
        while attempts:
            if _was_committed(attempts[-1]):
                return attempts[-1]
            attempts.pop()
        _renew_expired(appends, owners)
        frames = {
            conversation: _number(owners[conversation].head, events)
            for conversation, events in _accept(appends, owners).items()
        }
        _insert([frame for numbered in frames.values() for frame in numbered])
        EventText.objects.bulk_create(_texts(appends))
        _advance(frames)
        search.add(_passages(frames))
        for conversation, numbered in frames.items():
            if changes := _changed_columns(numbered, owners[conversation].models_used):
                Conversation.objects.filter(pk=conversation).update(**changes)
        if attempts is not None:
            attempts.append(frames)
    return frames


class _Owner(NamedTuple):
    """A conversation's newest seq, the run that may append to it, and the models that have spoken. `expired`: the run's
    lease has expired, by the database's clock."""

    head: int
    run: UUID | None
    expired: bool
    models_used: str


# The database's own clock, in the SQL that the ORM's Now() writes.
_NOW: Final = {
    "postgresql": "STATEMENT_TIMESTAMP()",
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')",
}


def _lock(conversations: set[UUID]) -> dict[UUID, _Owner]:
    # Raw SQL: the ORM took longer to build this query than the database to answer it. All processes lock in the same
    # order, so they cannot deadlock.
    table = Conversation._meta.db_table
    sql = (
        f"SELECT id, head, run, lease_until < {_NOW[connection.vendor]}, models_used FROM {table}"  # noqa: S608 (our own words)
        f" WHERE id IN ({', '.join(['%s'] * len(conversations))}) ORDER BY id"
    )
    if connection.features.has_select_for_update:
        sql += " FOR UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(sql, [_key(conversation) for conversation in conversations])
        return {
            _uuid(pk): _Owner(head, None if run is None else _uuid(run), bool(expired), models or "")
            for pk, head, run, expired, models in cursor.fetchall()
        }


def _uuid(value: UUID | str) -> UUID:
    # SQLite has no UUID type and stores the hex digits.
    return value if isinstance(value, UUID) else UUID(value)


def _renew_expired(appends: Sequence[Append], owners: dict[UUID, _Owner]) -> None:
    """Renew the leases that expired because the database was too slow for the heartbeat. The rows are locked, so no
    other process can have claimed these conversations since."""
    ours = [
        append.conversation
        for append in appends
        if append.run is not None
        and (owner := owners.get(append.conversation)) is not None
        and owner.expired
        and owner.run == append.run
    ]
    if not ours or not database.is_slow(settings.OUTCRY_LEASE_SECONDS):
        return
    lease = timedelta(seconds=settings.OUTCRY_LEASE_SECONDS)
    Conversation.objects.filter(pk__in=ours).update(lease_until=Now() + lease)
    for conversation in ours:
        owners[conversation] = owners[conversation]._replace(expired=False)


def _was_committed(attempt: Stored) -> bool:
    """Whether an attempt was committed, though its answer was lost. It was one transaction, so checking one
    conversation is enough. The data is compared because another writer may have stored events under the same
    numbers."""
    for conversation, frames in attempt.items():
        if frames:
            return read(conversation, frames[0].seq - 1, len(frames)) == frames
    return False


def _accept(appends: Sequence[Append], owners: dict[UUID, _Owner]) -> Stored:
    """The events of the appends that are not refused, not numbered yet."""
    accepted: Stored = defaultdict(list)
    for append in appends:
        append.refusal = _refusal(append, owners)
        if append.refusal is None:
            accepted[append.conversation].extend(
                Frame(0, event.type, append.conversation, append.at, dump(event), 0)
                for event in append.events
            )
    return accepted


def _refusal(append: Append, owners: dict[UUID, _Owner]) -> OutcryError | None:
    owner = owners.get(append.conversation)
    if owner is None:
        return NotFound("There is no such conversation.")
    if append.run is not None and append.run != owner.run:
        return Fenced("Another run owns this conversation.")
    if append.run is not None and owner.expired:
        return Fenced("The lease of this run has expired.")
    return None


def _number(head: int, events: Iterable[Frame]) -> list[Frame]:
    """The events as frames after `head`. Joined tokens keep the time of the first, from which latency is measured."""
    return [
        replace(group[0], seq=seq, after=seq - 1, data=join([event.data for event in group]))
        for seq, group in enumerate(neighbours(events), start=head + 1)
    ]


_INSERT: Final = (
    f"INSERT INTO {Event._meta.db_table} (conversation_id, seq, type, data, at)"  # noqa: S608 (our own table's name)
    " VALUES (%s, %s, %s, %s, %s)"
)


def _insert(frames: Iterable[Frame]) -> None:
    # Raw SQL: the ORM builds an object and SQL for each row and encodes `data` again, which was half of the writer's
    # time.
    adapt_time = connection.ops.adapt_datetimefield_value
    rows = [
        (_key(frame.conversation), frame.seq, frame.type, frame.data_text, adapt_time(frame.at))
        for frame in frames
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, rows)


def _advance(frames: Stored) -> None:
    # Raw SQL: the ORM would need one statement a row, or one CASE that is slow to build.
    heads = [(numbered[-1].seq, _key(conversation)) for conversation, numbered in frames.items() if numbered]
    with connection.cursor() as cursor:
        cursor.executemany(_ADVANCE, heads)


_ADVANCE: Final = f"UPDATE {Conversation._meta.db_table} SET head = %s WHERE id = %s"  # noqa: S608 (our own name)


def _texts(appends: Iterable[Append]) -> Iterator[EventText]:
    for append in appends:
        for event in append.events if append.refusal is None else ():
            if isinstance(event, ToolStart | ToolEnd) and (whole := event.whole) is not None:
                data = zlib.compress(whole.text.encode(), 1)
                yield EventText(pk=whole.id, conversation_id=append.conversation, data=data)


def _passages(frames: Stored) -> Iterator[Passage]:
    for conversation, numbered in frames.items():
        for frame in numbered:
            if (found := search.message(conversation, frame.seq, frame.type, frame.data)) is not None:
                yield found


def _key(conversation: UUID | None) -> Any:
    """The id in the database's own type."""
    return Conversation._meta.pk.get_db_prep_value(conversation, connection)


def _changed_columns(frames: Iterable[Frame], models_used: str) -> dict[str, Any]:
    """The columns of `Conversation` that these events change. `models_used` is the column before them."""
    changes: dict[str, Any] = {}
    for frame in frames:
        match frame.type:
            case "status":
                changes |= {name: frame.data[name] for name in ("status", "mode", "reason")}
                if frame.is_last:
                    changes |= {"finished_at": frame.at, "run": None, "lease_until": None}
            case "routing":
                changes["panel"] = frame.data["panel"]
            case "agent_message":
                if frame.data["kind"] != Kind.THINKING:
                    # A turn has finished: the next turn's first attempt is number 1 again.
                    changes["attempts"] = 1
                if frame.data["mode"] == Mode.DEMO:
                    changes["mode"] = Mode.DEMO
                line = spoken_models.line(frame.data["model"])
                if line not in models_used:
                    changes["models_used"] = models_used = models_used + line
            case "complete":
                changes |= {"verdict": frame.data, "cost": frame.data["cost_summary"]["usd"]}
    return changes
