"""The items of the record that an agent is given, by its role. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from conversations.domain import figures, panel_items
from conversations.domain.formatting import words
from conversations.prompts.quotation import quoted
from evidence.checker.parts import cited
from evidence.checker.vocabulary import MACRO, Metric
from evidence.record import Item, Quality, Snapshot

MAX_ITEMS: Final = 60
# Figures that the record lacks. Agents say so instead of inventing them.
MAX_MISSING: Final = 20
_NOTHING: Final = panel_items.Needs(())


def given(record: Snapshot, role: str, spoken: Iterable[str]) -> Sequence[Item]:
    """The items for an agent, at most MAX_ITEMS, the most important ones first: those of the person's own texts, those
    that were cited in what was `spoken`, those of its role."""
    named = {id_ for text in spoken for id_ in cited(text)}

    def rank(item: Item) -> int:
        if item.quality is Quality.USER:
            return -2
        return -1 if item.id in named else _place(record, role, item.subject, item.metric)

    ranked = sorted(record.items, key=rank)
    if role in panel_items.JUDGES:
        ranked = [item for item in ranked if rank(item) < 0]
    return ranked[:MAX_ITEMS]


def told(record: Snapshot, role: str, items: Sequence[Item]) -> str:
    """The items in a prompt, and what is missing; "" if there is neither."""
    lines = (
        [quoted(**{item.id: figures.item(item.model_dump(mode="json")) for item in items})] if items else []
    )
    if record.missing and role not in panel_items.JUDGES:
        lacking = sorted(record.missing, key=lambda each: _place(record, role, each.subject, each.metric))[
            :MAX_MISSING
        ]
        lines.append(quoted(**{f"no {each.subject} {each.metric}": words(each.reason) for each in lacking}))
    return "\n".join(["The record:", *lines]) if lines else ""


def _place(record: Snapshot, role: str, subject: str, metric: str) -> int:
    """Where a metric of a subject stands among what the role needs."""
    needs = panel_items.FIRST.get(role, _NOTHING)
    family = Metric.parse(metric).family
    is_peer = record.instrument is not None and subject != record.instrument.symbol and family not in MACRO
    if is_peer:
        places = [len(needs.own) + place for place, each in enumerate(needs.of_peers) if each == family]
    else:
        places = [place for place, each in enumerate(needs.own) if each == family]
    return places[0] if places else len(needs.own) + len(needs.of_peers)
