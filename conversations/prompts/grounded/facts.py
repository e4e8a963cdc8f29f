"""The facts of a record that the local model may say, each in sentences that are right by the checker."""

from dataclasses import replace
from functools import lru_cache
from typing import Final

from conversations.prompts.grounded.book import Book
from conversations.prompts.grounded.wording import Fact
from evidence.checker.check import Checker, prepare
from evidence.checker.verdicts import Label
from evidence.record import Snapshot

_RIGHT: Final = frozenset((Label.MATCHED, Label.DERIVED))


@lru_cache(maxsize=8)
def of(snapshot: Snapshot) -> tuple[Fact, ...]:
    """All facts of a record. A sentence of which the checker would not say that each figure is matched or derived is
    left out. Takes some 50 ms, so call it in a thread first."""
    prepared = prepare(snapshot)
    found = []
    for fact in Book(snapshot).facts():
        says = tuple(each for each in fact.says if _is_right(each, Checker(*prepared)))
        if says:
            found.append(replace(fact, says=says))
    return tuple(found)


def _is_right(clause: str, checker: Checker) -> bool:
    figures = checker.text(f"{clause[:1].upper()}{clause[1:]}.")
    return bool(figures) and all(figure.label in _RIGHT for figure in figures)
