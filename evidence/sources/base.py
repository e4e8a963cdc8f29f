"""What a source of figures is asked, and what it answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from evidence.library.series import Session
from evidence.record import Instrument, Missing, MissingReason, Quality, Unit


@dataclass(frozen=True)
class Question:
    """What figures are wanted about, and the time at which they must have been known."""

    instrument: Instrument
    as_of: datetime


@dataclass(frozen=True)
class Fact:
    """A figure of a source, with the meaning of the record's items, but without an id."""

    subject: str
    metric: str
    period: str
    value: Decimal
    unit: Unit
    currency: str | None
    source: str
    licence: str
    locator: str
    known_at: datetime
    quality: Quality = Quality.OK
    definition: str = ""


@dataclass(frozen=True)
class Prices:
    """Sessions of one instrument, oldest first, all in one currency."""

    sessions: Sequence[Session]
    currency: str
    source: str
    licence: str


@dataclass(frozen=True)
class Gathered:
    """The answers of all sources. `prices` are by symbol."""

    facts: tuple[Fact, ...] = ()
    prices: Mapping[str, Prices] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()


NOTHING: Final = Gathered()


class Failed(Exception):
    """A source does not answer, or not with what was asked. The text is for the log."""

    def __init__(self, reason: MissingReason, detail: str = "") -> None:
        super().__init__(detail or reason.value)
        self.reason = reason


@dataclass(frozen=True)
class Job:
    """One part of what a source is asked. If `run` raises Failed or takes too long, each of `wanted` (subject, metric)
    is missing."""

    source: str
    wanted: Sequence[tuple[str, str]]
    run: Callable[[], Awaitable[Gathered]]


class Source:
    """A source of figures. The default knows no instruments, and is asked for nothing."""

    def jobs(self, question: Question) -> Sequence[Job]:
        """What to ask about the question; the parts run at the same time."""
        return ()

    async def find(self, text: str) -> Instrument | None:
        """The instrument with this ticker or name, in any case. Raises Failed."""
        return None

    async def near(self, text: str) -> Sequence[str]:
        """A few symbols that may be meant. Raises Failed."""
        return ()
