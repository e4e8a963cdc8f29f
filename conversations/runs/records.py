"""The record of a debate's figures: frozen when its first run begins, and read from the log afterwards."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from conversations.domain.sources import SourceText
from conversations.domain.transcript import State
from conversations.runs.gathering import Known
from evidence.freezing import texts
from evidence.freezing.freeze import Found, freeze
from evidence.record import Item, Snapshot
from evidence.record import stored as read_stored
from evidence.words import STORED

# What the record calls the text that was typed or pasted.
TYPED: Final = "your text"


def stored(state: State) -> Snapshot | None:
    """The record of the log, if it has one that is whole."""
    frozen = state["snapshot"]
    if frozen is None or len(state["evidence"]) < frozen["items"]:
        return None
    about = {name: frozen[name] for name in ("as_of", "instrument", "missing")}
    return read_stored({**about, "items": state["evidence"][: frozen["items"]]})


def added(state: State) -> Sequence[Item]:
    """The items that results of tools have added to the record of the log, in order of their ids."""
    items = [
        Item.model_validate(each, context=STORED) for each in state["evidence"][state["snapshot"]["items"] :]
    ]
    return sorted(items, key=lambda item: int(item.id.removeprefix("E")))


@lru_cache(maxsize=8)
def _found(content: str, sources: tuple[SourceText, ...]) -> tuple[Found, ...]:
    """The figures of the texts. Cached: a long text takes a second, and is asked for several times before a start."""
    found = [*texts.found(TYPED, content)]
    for source in sources:
        found += texts.found(source.name, source.text, source.pages)
    return tuple(found)


def of(known: Known, as_of: datetime, content: str, sources: Sequence[SourceText]) -> Snapshot | None:
    """The record of an instrument and of the figures of these texts; None if there is neither."""
    found = _found(content, tuple(sources))
    if known.instrument is None and not found:
        return None
    return freeze(known.instrument, as_of, found, known.gathered)
