"""Reading a conversation's log. All queries for the contents of events are here."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from conversations.domain.errors import NotFound
from conversations.domain.events import EVENTS
from conversations.domain.frames import Frame, condense
from conversations.domain.human_input import HumanInput, Question
from conversations.models import PEOPLE, Conversation, Event

CHUNK_ROWS = 1_000

# (seq, type, data) of an event, the input of `transcript.fold`.
Row = tuple[int, str, dict[str, Any]]


def read(conversation: UUID, after: int, limit: int) -> list[Frame]:
    """Up to `limit` events whose seq is above `after`, in order."""
    return [*_frames(conversation, _rows(conversation, after)[:limit].values_list(*_COLUMNS))]


def frames(conversation: UUID, after: int = 0, types: Collection[str] | None = None) -> Iterator[Frame]:
    """Every event above `after`, in order; only those of `types`, if given."""
    rows = _rows(conversation, after)
    if types is not None:
        rows = rows.filter(type__in=types)
    return _frames(conversation, rows.values_list(*_COLUMNS).iterator(chunk_size=CHUNK_ROWS))


def read_all(conversation: UUID, after: int = 0, types: Collection[str] | None = None) -> Iterator[Row]:
    """Every event above `after`, in order; only those of `types`, if given."""
    for frame in frames(conversation, after, types):
        yield frame.seq, frame.type, {**frame.data}


def condensed(conversation: UUID, left_out: Collection[str] = ()) -> list[Frame]:
    """The log in few frames, which fold to the same state, without events of the types `left_out`. Reads no token of a
    message that is whole, and those are most of a log."""
    found = [*frames(conversation, types=EVENTS.keys() - {"token", *left_out})]
    whole = {frame.data["message"] for frame in found if frame.type == "agent_message"}
    begun = {frame.data["message"] for frame in found if frame.type == "message_start"}
    if begun - whole:
        tokens = _rows(conversation, 0).filter(type="token", data__message__in=[*begun - whole])
        found = sorted([*found, *_frames(conversation, tokens.values_list(*_COLUMNS))], key=attrgetter("seq"))
    kept = condense(found)
    return [
        frame.covering(before)
        for frame, before in zip(kept, [0, *(frame.seq for frame in kept)], strict=False)
    ]


def of_people(conversation: UUID) -> QuerySet[Event]:
    """The events of the types PEOPLE, which have an index of their own."""
    return Event.objects.filter(is_of_people(), conversation_id=conversation).order_by()


def is_of_people() -> RawSQL:
    """The condition that an event has one of the types PEOPLE."""
    # SQLite uses a partial index only if the query repeats its condition literally.
    condition = RawSQL("type IN ({})".format(", ".join(f"'{type_}'" for type_ in PEOPLE)), ())  # noqa: S611
    condition.output_field = BooleanField()
    return condition


def questions(conversation: UUID) -> dict[UUID, Question]:
    """The questions that agents have asked, oldest first."""
    people = HumanInput()
    for row in of_people(conversation).order_by("seq").values_list("seq", "type", "data"):
        people.take(*row)
    return people.questions


def open_question(conversation: UUID) -> UUID | None:
    """The oldest unanswered question of an agent, if any."""
    asked = questions(conversation)
    return next((request for request, question in asked.items() if question.is_open), None)


_COLUMNS = ("seq", "type", "at", "data")


def _rows(conversation: UUID, after: int) -> QuerySet[Event]:
    return Event.objects.filter(conversation_id=conversation, seq__gt=after).order_by("seq")


def _frames(conversation: UUID, rows: Any) -> Iterator[Frame]:
    return (Frame.of_event(seq, type_, conversation, at, data) for seq, type_, at, data in rows)


@dataclass(frozen=True)
class Position:
    """The newest seq of a conversation's log, the status and mode there, and the traceparent of its trace."""

    head: int
    status: str
    mode: str
    traceparent: str = ""


def position(conversation: UUID) -> Position:
    """The conversation's position now. Raises NotFound."""
    found = Conversation.objects.filter(pk=conversation)
    row = found.values_list("head", "status", "mode", "traceparent").first()
    if row is None:
        raise NotFound("There is no such conversation.")
    return Position(*row)
