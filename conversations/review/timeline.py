"""For reviewers: full-text search in all conversations, and a conversation as a timeline of its log."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.safestring import SafeString
from django.utils.text import smart_split, unescape_string_literal

from conversations.domain import figures, finish_reasons, formatting, transcript
from conversations.domain.enums import Mode
from conversations.domain.frames import Frame
from conversations.event_log import queries
from conversations.models import Conversation, ConversationQuerySet, Event

# Each word takes one scan of all messages. A longer query is searched for as one phrase.
MAX_WORDS = 6


def search(conversations: ConversationQuerySet, query: str) -> ConversationQuerySet:
    """The conversations that contain every word (or "quoted phrase") of the query in their topic, content, owner's name
    or address, or messages. If the query is an id, the conversation with that id."""
    try:
        return conversations.filter(pk=UUID(query.strip()))
    except ValueError:
        pass
    words = [_unquoted(word) for word in smart_split(query)]
    for word in words if len(words) <= MAX_WORDS else [query.strip()]:
        said = Q(type="agent_message", data__content__icontains=word) | Q(
            type="human_message", data__text__icontains=word
        )
        conversations = conversations.filter(
            Q(topic__icontains=word)
            | Q(content__icontains=word)
            | Q(owner__username__icontains=word)
            | Q(owner__email__icontains=word)
            # A subquery scans the messages once for all conversations, and does not duplicate rows.
            | Q(pk__in=Event.objects.filter(said).order_by().values("conversation"))
        )
    return conversations


def _unquoted(word: str) -> str:
    return (
        unescape_string_literal(word) if word[0] == word[-1] and word[0] in "'\"" and len(word) > 1 else word
    )


@dataclass(frozen=True)
class Moment:
    """An entry of the timeline. `kind` is message, tool, human, request, expiry, control, fallback, error or status;
    `data` is its part of the folded state, or the data of the status event."""

    kind: str
    seq: int
    at: datetime
    data: dict[str, Any]

    @property
    def is_demo(self) -> bool:
        return self.data.get("mode") == Mode.DEMO

    @property
    def prose(self) -> SafeString:
        """A message's text as HTML, for a place below its heading of level 3."""
        return _html(self.data["text"], above=3)

    @property
    def cut_note(self) -> str:
        """A sentence about a message that was cut off; "" if it is whole."""
        return finish_reasons.cut_note(self.data)

    @property
    def figures(self) -> str:
        """How the figures of a message stand to the record; "" if none were checked."""
        return figures.summary(self.data["figures"])

    @property
    def asked(self) -> str:
        """The state of a question, for people."""
        return {"open": "not answered", "expired": "not answered in time"}.get(self.data["state"], "answered")

    @property
    def facts(self) -> formatting.Labelled:
        """A message's values, labelled for display; unknown ones are "unknown"."""
        usage = self.data["usage"] or {}
        facts = [
            ("Model", f"{self.data['model']} ({self.data['provider']})"),
            ("Input tokens", formatting.count(usage.get("input_tokens"))),
            ("Output tokens", formatting.count(usage.get("output_tokens"))),
            ("Cost", formatting.charge(self.data["cost"])),
            ("Time", formatting.seconds(self.data["duration_ms"])),
            ("Finish reason", self.data["finish_reason"] or formatting.UNKNOWN),
        ]
        if self.data["confidence"] is not None:
            facts.append(("Confidence", formatting.confidence(self.data["confidence"])))
        return facts


@dataclass
class Review:
    """A conversation, read from its log. `damage` is a sentence about damage of the log, or None; `sha256` is the
    digest of the messages stored now, None if there are none."""

    conversation: Conversation
    state: transcript.State = field(default_factory=transcript.empty)
    moments: list[Moment] = field(default_factory=list)
    damage: str | None = None
    sha256: str | None = None

    @property
    def promised_sha256(self) -> str | None:
        """The digest in the `complete` event; None before that."""
        complete = self.state["complete"]
        return complete["transcript_sha256"] if complete else None

    @property
    def is_altered(self) -> bool:
        return self.promised_sha256 not in {None, self.sha256}

    @property
    def facts(self) -> formatting.Labelled:
        """The conversation's values, labelled for display."""
        conversation = self.conversation
        summary = self.state["complete"]["cost_summary"] if self.state["complete"] else {}
        facts = [
            ("Owner", f"{conversation.owner} {conversation.owner.email}".strip()),
            ("Panel", conversation.team.title),
            ("Rounds", str(conversation.rounds)),
            ("Created", _time(conversation.created_at)),
            ("Started", _time(conversation.started_at)),
            ("Finished", _time(conversation.finished_at)),
            ("Duration", str(duration(conversation) or "-")),
            ("Cost", formatting.charge(conversation.cost)),
            ("Input tokens", formatting.count(summary.get("input_tokens"))),
            ("Output tokens", formatting.count(summary.get("output_tokens"))),
            ("Events", f"{conversation.head:,}"),
            ("Id", str(conversation.pk)),
        ]
        if conversation.deleted_at is not None:
            facts.insert(1, ("Deleted by its owner", _time(conversation.deleted_at)))
        if conversation.reason:
            facts.insert(1, ("Reason", conversation.reason))
        if conversation.follows_id is not None:
            facts.append(("Follows", str(conversation.follows_id)))
        return facts

    @property
    def record(self) -> list[tuple[str, str]]:
        """(id, text) of the items of the record, with where they come from."""
        return [
            (item["id"], f"{figures.item(item)} ({item['source']} {item['locator']})".replace(" )", ")"))
            for item in self.state["evidence"]
        ]

    @property
    def status(self) -> str:
        """The word of the conversation's page."""
        return formatting.status(self.conversation.status, self.conversation.reason)

    @property
    def verdict(self) -> list[tuple[str, SafeString]]:
        """The stance, the confidence, and the verdict's texts that are not empty, as HTML."""
        complete = self.state["complete"]
        labelled = [] if complete is None else formatting.verdict(complete)
        return [(label, _html(text, above=2)) for label, text in labelled]


def read(conversation: Conversation) -> Review:
    """Read a conversation's log, up to its end or to damage."""
    review = Review(conversation)
    try:
        for frame in queries.frames(conversation.pk):
            transcript.fold([(frame.seq, frame.type, frame.data)], review.state)
            review.moments.extend(_moments(review.state, frame))
    except (ValueError, LookupError):
        review.damage = f"The log is damaged: nothing after event {review.state['head']} can be read."
    if review.damage is None and review.state["head"] < conversation.head:
        review.damage = (
            f"The log is incomplete: it ends at event {review.state['head']} of {conversation.head}."
        )
    spoken = transcript.spoken(review.state)
    review.sha256 = transcript.digest(spoken) if spoken else None
    return review


_LAST_OF = {
    "human_message": ("human", "humans"),
    "input_request": ("request", "requests"),
    "control": ("control", "controls"),
    "fallback": ("fallback", "fallbacks"),
    "error": ("error", "errors"),
    "tool_start": ("tool", "tools"),
}


def _moments(state: transcript.State, frame: Frame) -> Iterator[Moment]:
    if frame.type == "status":
        yield Moment("status", frame.seq, frame.at, {**frame.data})
    elif frame.type == "input_expired":
        [request] = [each for each in state["requests"] if each["request"] == frame.data["request"]]
        yield Moment("expiry", frame.seq, frame.at, request)
    elif frame.type == "message_start":
        # Thoughts are not the last, but before their turn's message.
        [message] = [each for each in state["messages"] if each["id"] == frame.data["message"]]
        yield Moment("message", frame.seq, frame.at, message)
    elif frame.type in _LAST_OF:
        kind, part = _LAST_OF[frame.type]
        yield Moment(kind, frame.seq, frame.at, state[part][-1])


def duration(conversation: Conversation) -> timedelta | None:
    """The seconds, rounded to whole ones, from the start of its first run to its end; None before the end."""
    if conversation.finished_at is None:
        return None
    since = conversation.started_at or conversation.created_at
    return timedelta(seconds=round((conversation.finished_at - since).total_seconds()))


def _time(at: datetime | None) -> str:
    return "-" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _html(text: str, above: int) -> SafeString:
    # Imported here because its parser of Markdown takes 50 ms of CPU, which only reviewers need.
    from conversations.review import prose

    return prose.html(text, above)
