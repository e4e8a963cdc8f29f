"""A snapshot in the making."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from evidence.indicators import DEFINITIONS
from evidence.record import Item, Missing, MissingReason

# More are said to be missing: nobody reads them, and they cost their place in every prompt.
MAX_ITEMS: Final = 200
PUBLIC_DOMAIN: Final = "public domain"


@dataclass
class Draft:
    """The items so far. `add` gives the next id; the snapshot refuses what was not known at `as_of`."""

    as_of: datetime
    items: list[Item] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    def add(self, subject: str, metric: str, **values: Any) -> None:
        if len(self.items) >= MAX_ITEMS:
            self.missing.append(Missing(subject=subject, metric=metric, reason=MissingReason.TOO_MANY))
            return
        definition = values.pop("definition", DEFINITIONS.get(metric, ""))
        number = len(self.items) + 1
        self.items.append(
            Item(id=f"E{number}", subject=subject, metric=metric, definition=definition, **values)
        )

    def lack(self, subject: str, metric: str, reason: MissingReason) -> None:
        self.missing.append(Missing(subject=subject, metric=metric, reason=reason))
