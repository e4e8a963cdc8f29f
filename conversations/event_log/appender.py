"""The conversation log: its only writer, and its readers.

Writing is a group commit. One thread a process takes whatever has come in, for every conversation, and commits it
in one transaction; while it commits, the next batch gathers. There is no timer: a lone token is committed at once,
and under load batches grow by themselves.

After each commit the conversation's group is rung once. Channel layers deliver at most once, so what a ring carries
is a hint; the rows are the truth.
"""

import asyncio
import contextlib
import json
import math
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, connections, transaction
from django.db.models.functions import Now
from django.utils import timezone

from conversations.domain.errors import Fenced, LogUnavailable, NotFound, OutcryError
from conversations.domain.events import (
    TERMINAL,
    AgentMessage,
    Complete,
    Entry,
    EventData,
    Mode,
    StatusChanged,
    Token,
    dump,
    frame,
)
from conversations.event_log import notifier as bell
from conversations.event_log.batch_writer import GroupCommit
from conversations.infrastructure import database, tracing
from conversations.infrastructure import metrics as tally
from conversations.models import Conversation, Event

logger = structlog.get_logger(__name__)

# A batch keeps one transaction short enough for other writers of the file to get their turn.
MAX_BATCH = 2_000
# What a run may have under way to the database before it waits: then the model is read no faster than we store.
MAX_PENDING = 1_000
# A batch that takes longer is held up by the database.
HELD_UP_SECONDS: Final = 1.0
# What is left to a database that is away once the log is being closed; and to the thread that writes.
CLOSE_SECONDS: Final = 5.0
STOP_SECONDS: Final = 10.0


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


def store(appends: Sequence[Append], tries: list[Stored] | None = None) -> Stored:
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


async def append(conversation: UUID, *events: EventData, run: UUID | None = None) -> None:
    """Store events and ring the conversation's group; returns after the commit.

    Raises Fenced when `run` does not own the conversation (any more), NotFound, and LogUnavailable."""
    await _submit(conversation, run, events)


class Appender:
    """A run's way into its conversation's log, in the order given."""

    def __init__(self, conversation: UUID, run: UUID) -> None:
        self._conversation = conversation
        self._run = run
        self._pending = 0
        self._settling = asyncio.Event()
        self._last: asyncio.Future[None] | None = None
        self._failure: BaseException | None = None

    async def add(self, event: EventData) -> None:
        """Hand an event over without waiting for its commit, unless too many are under way.

        Raises the failure of any earlier event."""
        await self.room()
        self.put(event)

    async def room(self) -> None:
        """Return once not too many are under way for one more."""
        while self._pending >= MAX_PENDING:
            self._settling.clear()
            await self._settling.wait()

    def put(self, event: EventData) -> None:
        """Hand an event over, however many are under way. Raises the failure of any earlier event."""
        self.check()
        self._pending += 1
        self._last = _submit(self._conversation, self._run, [event])
        self._last.add_done_callback(self._settled)

    async def flush(self) -> None:
        """Return once everything added is stored. Raises the failure of any of it."""
        if self._last is not None:
            # The batches are committed in order: the last one is the latest.
            await asyncio.wait([self._last])
        self.check()

    def check(self) -> None:
        """Raises the failure of any earlier event."""
        if self._failure is not None:
            raise self._failure

    def _settled(self, future: "asyncio.Future[None]") -> None:
        self._pending -= 1
        self._settling.set()
        if not future.cancelled() and (failure := future.exception()) is not None:
            self._failure = self._failure or failure


def read(conversation: UUID, after: int, limit: int) -> list[Entry]:
    """Up to `limit` events whose seq is above `after`, in order."""
    rows = Event.objects.filter(conversation_id=conversation, seq__gt=after).order_by("seq")
    return [
        Entry(seq, type_, frame(type_, seq, conversation, at, data))
        for seq, type_, at, data in rows.values_list("seq", "type", "at", "data")[:limit]
    ]


def read_all(conversation: UUID, after: int = 0) -> Iterable[tuple[int, str, dict[str, Any]]]:
    """(seq, type, data) of every event above `after`, as `transcript.fold` takes them."""
    rows = Event.objects.filter(conversation_id=conversation, seq__gt=after).order_by("seq")
    return rows.values_list("seq", "type", "data").iterator(chunk_size=1_000)


@dataclass(frozen=True)
class Position:
    """Where a conversation's log stands, and where its trace begins."""

    head: int
    status: str
    mode: str
    traceparent: str = ""


def position(conversation: UUID) -> Position:
    """The newest seq and the state that goes with it. Raises NotFound."""
    found = Conversation.objects.filter(pk=conversation)
    row = found.values_list("head", "status", "mode", "traceparent").first()
    if row is None:
        raise NotFound("There is no such conversation.")
    return Position(*row)


def held_up() -> bool:
    """Whether the database keeps the writer waiting: a batch has been under way for more than a second."""
    since = _under_way
    return since is not None and time.monotonic() - since > HELD_UP_SECONDS


def close() -> None:
    """Store what is waiting, as far as the database takes it soon, then end the writer's thread and all database
    threads."""
    global _give_up
    _give_up = time.monotonic() + CLOSE_SECONDS
    _writer.stop(STOP_SECONDS)
    _give_up = math.inf
    database.close()


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
    if not ours or not database.strained(settings.OUTCRY_LEASE_SECONDS):
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


@dataclass
class _Waiting:
    append: Append
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[None]"
    # Of its span; None for words, which are too many for spans.
    place: tracing.Place | None


def _submit(conversation: UUID, run: UUID | None, events: Sequence[EventData]) -> "asyncio.Future[None]":
    loop = asyncio.get_running_loop()
    place = None if events and isinstance(events[-1], Token) else tracing.here()
    waiting = _Waiting(Append(conversation, run, events, timezone.now()), loop, loop.create_future(), place)
    _writer.submit(waiting)
    return waiting.done


def _commit(batch: list[_Waiting]) -> None:
    global _under_way
    _under_way = time.monotonic()
    try:
        _store_and_settle(batch)
    finally:
        _under_way = None


def _store_and_settle(batch: list[_Waiting]) -> None:
    # What follows on a loss would be a log with a hole in its story: a run that has lost an event has lost its log.
    whole = [waiting for waiting in batch if waiting.append.run not in _broken_runs]
    began = tracing.now()
    outcomes, entries = _stored(whole)
    _note_commit(whole, entries, began)
    for waiting in batch:
        outcomes.setdefault(id(waiting), LogUnavailable("The conversation could not be stored."))
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, OutcryError | None]]] = defaultdict(list)
    for waiting in batch:
        by_loop[waiting.loop].append((waiting, outcomes[id(waiting)]))
    for loop, settled in by_loop.items():
        # A loop that is gone has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, settled, entries)


def _note_commit(batch: list[_Waiting], entries: dict[UUID, list[Entry]], began: int) -> None:
    if not entries:
        return
    ended, rows = tracing.now(), sum(map(len, entries.values()))
    tally.committed((ended - began) / 1e9, len(batch), rows)
    # One for each conversation, however many share the commit, that has stored more than words.
    places = {each.append.conversation: each.place for each in batch if each.place is not None}
    for conversation, place in places.items():
        if stored := entries.get(conversation):
            values = {"outcry.rows": len(stored), "outcry.seq": stored[-1].seq}
            tracing.span("log.commit", place, began, ended, values)


_Outcomes = tuple[dict[int, OutcryError | None], dict[UUID, list[Entry]]]


def _stored(batch: list[_Waiting]) -> _Outcomes:
    """What became of each: None where it is stored. While the database is away, the batch is kept and tried again;
    where it fails by a fault of its own, each conversation is tried by itself, so that none suffers from another's."""
    if not batch:
        return {}, {}
    until = time.monotonic() + settings.OUTCRY_DATABASE_PATIENCE_SECONDS
    tries: list[Stored] = []
    for pause in database.pauses():
        try:
            # Who can write can do everything.
            with database.contact("log", wholly=True), database.writing():
                stored = store([waiting.append for waiting in batch], tries)
        except database.AWAY as failure:
            if time.monotonic() >= min(until, _give_up):
                return _lost(batch, failure)
        except Exception as failure:
            logger.exception("log_commit_failed", appends=len(batch))
            if isinstance(failure, database.FAILURES):
                connections.close_all()
            return _stored_apart(batch, failure)
        else:
            refused = {id(batch[number]): refusal for number, refusal in stored.refused.items()}
            return {id(waiting): refused.get(id(waiting)) for waiting in batch}, stored.entries
        time.sleep(pause)
    raise AssertionError  # pauses() has no end


def _stored_apart(batch: list[_Waiting], failure: Exception) -> _Outcomes:
    apart: dict[UUID, list[_Waiting]] = defaultdict(list)
    for waiting in batch:
        apart[waiting.append.conversation].append(waiting)
    if len(apart) == 1:
        # Whatever it was, those who wait must hear of it, and the thread must live for the next batch.
        return _lost(batch, failure)
    outcomes: dict[int, OutcryError | None] = {}
    entries: dict[UUID, list[Entry]] = {}
    for alone in apart.values():
        stored, written = _stored(alone)
        outcomes |= stored
        entries |= written
    return outcomes, entries


def _lost(batch: list[_Waiting], failure: Exception) -> _Outcomes:
    _broken_runs.update(waiting.append.run for waiting in batch if waiting.append.run is not None)
    logger.error("log_gave_up", appends=len(batch), reason=database.unavailable(failure).code)
    return {id(waiting): database.unavailable(failure) for waiting in batch}, {}


def _settle(outcomes: list[tuple[_Waiting, OutcryError | None]], entries: Mapping[UUID, list[Entry]]) -> None:
    rung = set()
    for waiting, refusal in outcomes:
        if not waiting.done.done():
            if refusal is None:
                waiting.done.set_result(None)
            else:
                waiting.done.set_exception(refusal)
        conversation = waiting.append.conversation
        if refusal is None and conversation not in rung:
            rung.add(conversation)
            bell.ring(conversation, entries[conversation])


# Runs of which an event could not be stored; only the writer's thread looks here.
_broken_runs: set[UUID] = set()
# Since when the writer has had its batch; and when it stops waiting for a database that is away. Monotonic.
_under_way: float | None = None
_give_up = math.inf

_writer = GroupCommit("outcry-log", _commit, end=connections.close_all, limit=MAX_BATCH)
