"""Checks a message's figures while it streams, sentence by sentence, and again when it is whole."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from conversations.agents.answer_form import AnswerForm, Unreadable
from conversations.domain import events
from conversations.domain.enums import RULES
from conversations.domain.events import AgentMessage, CheckedFigure, EventData, FigureCounts, Figures, Token
from evidence.checker.check import VERSION, Checked, Checker, prepare
from evidence.checker.text import sentences
from evidence.checker.verdicts import Label
from evidence.record import Item, Snapshot

# A sentence ends with one of these, so that the others need no look.
_ENDS = frozenset(".!?\n")
# Items in one event.
_BATCH = 50


def frozen(snapshot: Snapshot) -> Iterator[EventData]:
    """The events that put the record into the log."""
    yield events.Snapshot(
        snapshot=snapshot.sha256,
        as_of=snapshot.as_of,
        instrument=snapshot.instrument,
        items=len(snapshot.items),
        missing=snapshot.missing,
        sources=tuple(dict.fromkeys(item.source for item in snapshot.items if item.source)),
    )
    for begin in range(0, len(snapshot.items), _BATCH):
        yield events.Evidence(items=snapshot.items[begin : begin + _BATCH])


class Record:
    """The frozen record of a debate, prepared for its messages; `added` are the results of tools, numbered after it."""

    def __init__(self, snapshot: Snapshot, added: Sequence[Item] = ()) -> None:
        self.snapshot = snapshot
        self._items = (*snapshot.items, *added)
        self._prepared = prepare(self.whole)
        self._assumed: frozenset[tuple[Decimal, str]] = frozenset()

    @property
    def size(self) -> int:
        """How many items it has by now."""
        return len(self._items)

    @property
    def whole(self) -> Snapshot:
        """The snapshot with what was added, as agents read it."""
        return self.snapshot.model_copy(update={"items": self._items})

    @property
    def as_of(self) -> datetime:
        """When its figures were known."""
        return self.snapshot.as_of or datetime.now(UTC)

    def add(self, items: Sequence[Item]) -> Sequence[Item]:
        """Put the items on record; returns them with their ids, which never change."""
        first = len(self._items) + 1
        added = [item.model_copy(update={"id": f"E{number}"}) for number, item in enumerate(items, first)]
        if added:
            self._items = (*self._items, *added)
            self._prepared = prepare(self.whole)
        return added

    def assume(self, question: str) -> None:
        """Figures of the question are assumptions where they are repeated: they are given, not known."""
        self._assumed = frozenset((each.value, each.unit) for each in self.checker().text(question))

    def checker(self) -> Checker:
        return Checker(*self._prepared)

    def settled(self, found: Sequence[Checked]) -> Iterator[Checked]:
        """The figures, in which those of the question are assumptions."""
        for each in found:
            is_assumed = each.label is Label.UNSUPPORTED and (each.value, each.unit) in self._assumed
            yield replace(each, label=Label.ASSUMPTION) if is_assumed else each


class MessageFigures:
    """Feed it the tokens of one message."""

    def __init__(self, record: Record, message: UUID) -> None:
        self.message = message
        self._record, self._size = record, record.size
        self._checker = record.checker()
        self._text, self._checked = "", 0

    def token(self, event: Token) -> Figures | None:
        """The figures of the sentences that this token ends, if there are any."""
        # What was said may be replaced, as when it turns out to be thoughts.
        self._checked = min(self._checked, event.offset)
        self._text = self._text[: event.offset] + event.text
        if _ENDS.isdisjoint(event.text) and not event.text[:1].isspace():
            return None
        if self._record.size != self._size:
            # A tool has put its result on record.
            self._size, self._checker = self._record.size, self._record.checker()
        found: list[Checked] = []
        tail, begin = self._text[self._checked :], self._checked
        # The last one may go on.
        for start, end in sentences(tail)[:-1]:
            found += self._checker.sentence(tail[start:end], begin + start)
            self._checked = begin + end
        return _event(self._record, self.message, found, final=False) if found else None


def checked(record: Record, message: AgentMessage) -> Figures:
    """All figures of a finished message. They replace those that were found while it streamed. What rules say is not
    about the record."""
    found = () if message.provider == RULES else record.checker().text(message.content)
    return _event(record, message.message, found, final=True)


def _event(record: Record, message: UUID, found: Sequence[Checked], *, final: bool) -> Figures:
    items = tuple(CheckedFigure.model_validate(each.as_json()) for each in record.settled(found))
    return Figures(message=message, checker=VERSION, items=items, final=final)


def checked_form(form: AnswerForm, record: Record, note: Callable[[bool], None]) -> AnswerForm:
    """The form of a verdict whose summary must not contradict the record: such an answer is asked for again. `note` is
    called with whether the newest answer did."""

    def read(answer: str) -> BaseModel:
        note(False)
        value = form.read(answer)
        problem = _contradictions(record, str(getattr(value, "summary", "")))
        if problem:
            note(True)
            raise Unreadable(problem)
        return value

    return replace(form, read=read)


def _contradictions(record: Record, summary: str) -> str:
    """What in a summary contradicts the record, in a sentence for the model; empty if nothing does."""
    wrong = [each.as_json() for each in record.checker().text(summary) if each.label is Label.CONTRADICTED]
    lines = [
        f"{each['text']}, where {' and '.join(each['evidence'])} gives {each['expected']}" for each in wrong
    ]
    return f"summary: it contradicts the record: {'; '.join(lines)}." if lines else ""


def counts(figures: Sequence[Figures]) -> FigureCounts:
    """How many figures have each label."""
    return FigureCounts(**Counter(item.label for each in figures for item in each.items))
