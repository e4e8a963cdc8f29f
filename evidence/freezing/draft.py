"""A snapshot in the making."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from evidence.indicators import DEFINITIONS
from evidence.record import Item, Missing, MissingReason, Quality
from evidence.sources.base import NOTHING, Fact, Gathered

# More are said to be missing: nobody reads them, and they cost their place in every prompt.
MAX_ITEMS: Final = 200
PUBLIC_DOMAIN: Final = "public domain"


@dataclass
class Draft:
    """The items so far; the snapshot refuses what was not known at `as_of`. What the sources have `gathered` takes the
    place of the library's figures of the same subject and metric."""

    as_of: datetime
    gathered: Gathered = NOTHING
    items: list[Item] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    def __post_init__(self) -> None:
        known = (fact for fact in self.gathered.facts if fact.known_at <= self.as_of)
        self._given = {(fact.subject, fact.metric) for fact in known}
        self._reasons = {(each.subject, each.metric): each.reason for each in self.gathered.missing}

    def add(self, subject: str, metric: str, **values: Any) -> None:
        """A figure of the library, unless a source has it."""
        if (subject, metric) in self._given:
            return
        definition = values.pop("definition", DEFINITIONS.get(metric, ""))
        self.append(subject, metric, definition=definition, **values)

    def take(self, facts: Iterable[Fact]) -> None:
        """Figures of sources. One that the record cannot have, such as one of 10^40, is missing."""
        for fact in facts:
            values = asdict(fact)
            values["definition"] = fact.definition or DEFINITIONS.get(fact.metric, "")
            if fact.known_at > self.as_of:
                self._say(fact.subject, fact.metric, MissingReason.NO_DATA)
                continue
            try:
                self.append(**values)
            except ValidationError:
                self._say(fact.subject, fact.metric, MissingReason.NO_DATA)

    def reason(self, subject: str, metric: str, reason: MissingReason) -> MissingReason:
        """Why a figure is missing: what a source said that was asked for it, else this reason."""
        return self._reasons.get((subject, metric), reason)

    def lack(self, subject: str, metric: str, reason: MissingReason) -> None:
        """A figure that the library has not."""
        if (subject, metric) not in self._given:
            self._say(subject, metric, self.reason(subject, metric, reason))

    def say_what_sources_lack(self) -> None:
        """What the sources have not, but for figures that the library has, and that are not old."""
        fresh = {(item.subject, item.metric) for item in self.items if item.quality is not Quality.STALE}
        for each in self.gathered.missing:
            if each.reason is MissingReason.TOO_MANY or (each.subject, each.metric) not in fresh:
                self._say(each.subject, each.metric, each.reason)

    def append(self, subject: str, metric: str, **values: Any) -> None:
        """A figure with the next id; one of too many is missing."""
        if len(self.items) >= MAX_ITEMS:
            self.missing.append(Missing(subject=subject, metric=metric, reason=MissingReason.TOO_MANY))
            return
        number = len(self.items) + 1
        self.items.append(Item(id=f"E{number}", subject=subject, metric=metric, **values))

    def _say(self, subject: str, metric: str, reason: MissingReason) -> None:
        missing = Missing(subject=subject, metric=metric, reason=reason)
        if missing not in self.missing:
            self.missing.append(missing)
