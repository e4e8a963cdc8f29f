"""A debate as a file to take away: Markdown, JSON, or the tables of its messages as CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import IO, Any, Final
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.http import StreamingHttpResponse
from django.utils.text import slugify
from pydantic_core import to_json

from conversations.access import audit, permissions
from conversations.domain import document, formatting, transcript
from conversations.domain.enums import AuditAction, ExportFormat
from conversations.domain.frames import Frame
from conversations.domain.thoughts import Thoughts
from conversations.event_log import queries
from conversations.infrastructure.attachments import attachment
from conversations.models import Conversation, Preferences
from conversations.services import panels

_NAME_LENGTH: Final = 60
_ABOUT: Final = (
    *("id", "topic", "title", "follows_id", "content", "content_type", "panel", "rounds"),
    *("status", "reason", "mode", "created_at", "started_at", "finished_at", "cost"),
)
_SOURCE: Final = ("id", "name", "type", "pages", "sha256", "text")
_HEAD: Final = ("table", "message", "agent", "round", "mode", "row")

Frames = Iterable[Frame]
Writer = Callable[[Conversation, Frames, IO[bytes]], None]


def response(
    user: AbstractUser, conversation: UUID, format_: ExportFormat, *, thoughts: bool
) -> StreamingHttpResponse:
    """The file, for a user who may watch the debate; that they took it is recorded. Raises NotFound.

    `thoughts`: with what agents thought apart from what they said."""
    found = permissions.watch(user, conversation)
    audit.record(
        AuditAction.EXPORTED,
        user,
        f"conversation:{found.pk}",
        what="debate",
        format=format_,
        owner=found.owner_id,
    )
    content_type, write = _FORMATS[format_]
    # Without `message_start`, thoughts could not be told from what was said.
    types = None if format_ is ExportFormat.JSON else {*document.TYPES, "message_start"}
    frames = queries.frames(found.pk, types=types)
    return attachment(
        _file_name(found, format_),
        content_type,
        partial(write, found, frames if thoughts else _without(frames)),
    )


def _without(frames: Frames) -> Iterator[Frame]:
    thoughts = Thoughts()
    return (frame for frame in frames if not thoughts.has(frame))


def _file_name(debate: Conversation, format_: ExportFormat) -> str:
    """Such as outcry-is-tarnwick-worth-buying-2026-12-01.md; in ASCII, of letters, digits and hyphens."""
    topic = slugify(debate.topic)[:_NAME_LENGTH].strip("-_") or str(debate.pk)[:8]
    return f"outcry-{topic}-{debate.created_at:%Y-%m-%d}.{format_}"


def author_of(owner: AbstractUser) -> str:
    """Such as "Ada Lovelace (ada)"."""
    name = Preferences.objects.filter(person=owner.pk).values_list("display_name", flat=True).first()
    return f"{name} ({owner.get_username()})" if name else owner.get_username()


def _write_markdown(debate: Conversation, frames: Frames, file: IO[bytes]) -> None:
    about = document.About(
        topic=debate.topic,
        content=debate.content,
        author=author_of(debate.owner),
        status=formatting.status(debate.status, debate.reason),
        created_at=debate.created_at,
        finished_at=debate.finished_at,
        sources=[(source.name, source.text) for source in debate.sources],
    )
    log = [(frame.seq, frame.type, {**frame.data}) for frame in frames]
    file.writelines(part.encode() for part in document.written(about, log))


def _write_json(debate: Conversation, frames: Frames, file: IO[bytes]) -> None:
    """One object: `conversation`, its `events`, written as they are read, and the state that they fold to."""
    about = {name: getattr(debate, name) for name in _ABOUT}
    about["follows"] = debate.follows_id
    about["panel_version"] = panels.version_of(debate)
    about["cost"] = None if debate.cost is None else float(debate.cost)
    about["sources"] = [{name: getattr(source, name) for name in _SOURCE} for source in debate.sources]
    file.write(
        b'{"disclaimer":%b,\n"conversation":%b,\n"events":[' % (to_json(document.DISCLAIMER), to_json(about))
    )
    state = transcript.empty()
    separator = b"\n"
    for frame in frames:
        transcript.apply(state, frame.seq, frame.type, frame.data)
        event = {"seq": frame.seq, "type": frame.type, "at": frame.at, "data": frame.data}
        file.write(separator + to_json(event))
        separator = b",\n"
    file.write(b'\n],\n"folded":%b}\n' % to_json(state))


def _write_tables(debate: Conversation, frames: Frames, file: IO[bytes]) -> None:
    """A line for each row of a table, with the number of the table, and its row, 0 for the head."""
    # Imported here because its parser of Markdown takes 50 ms of CPU, which most processes never need.
    from conversations.domain import tables

    discarded: set[str] = set()
    messages: list[Mapping[str, Any]] = []
    for frame in frames:
        if frame.type == "agent_message":
            messages.append(frame.data)
        elif frame.type == "message_discard":
            discarded.add(frame.data["message"])
    found = [
        (message, table)
        for message in messages
        if message["message"] not in discarded
        for table in tables.tables(message["content"])
    ]
    width = max((len(row) for _, table in found for row in table), default=0)
    # Without the mark, Excel takes UTF-8 for another encoding.
    text = io.TextIOWrapper(file, "utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow([*_HEAD, *(f"column_{number}" for number in range(1, width + 1))])
    for number, (message, table) in enumerate(found, 1):
        about = [number, *(message[name] for name in ("message", "agent", "round", "mode"))]
        for place, row in enumerate(table):
            cells = [tables.disarmed(cell) for cell in row]
            writer.writerow([*about, place, *cells, *[""] * (width - len(row))])
    text.detach()


_FORMATS: Final[Mapping[ExportFormat, tuple[str, Writer]]] = {
    ExportFormat.MARKDOWN: ("text/markdown; charset=utf-8", _write_markdown),
    ExportFormat.JSON: ("application/json", _write_json),
    ExportFormat.TABLES: ("text/csv; charset=utf-8", _write_tables),
}
