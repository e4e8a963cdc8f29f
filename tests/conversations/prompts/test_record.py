"""Which items of a record an agent is given."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from conversations.domain.panel_items import FIRST, JUDGES
from conversations.domain.panels import PANELS
from conversations.prompts import record
from evidence.record import Instrument, Item, Missing, MissingReason, Quality, Snapshot, Unit

AS_OF = datetime(2026, 1, 5, tzinfo=UTC)


def item(number: int, metric: str, subject: str = "HLDN", quality: Quality = Quality.OK) -> Item:
    return Item(
        id=f"E{number}", subject=subject, metric=metric, period="2026-01-02", value=Decimal(number),
        unit=Unit.COUNT, known_at=AS_OF, quality=quality,
    )  # fmt: skip


# More than an agent is given: what nobody needs first, what roles need, and a person's own figures.
ITEMS = (
    *(item(number, "headcount", f"P{number}") for number in range(1, 71)),
    item(71, "max_drawdown_12m", "PEER"),
    item(72, "revenue"),
    item(73, "max_drawdown_12m"),
    item(74, "inflation", "US"),
    item(75, "backlog", quality=Quality.USER),
)
MISSING = (
    *(
        Missing(subject=f"P{number}", metric="headcount", reason=MissingReason.TOO_MANY)
        for number in range(30)
    ),
    Missing(subject="HLDN", metric="volatility_30d", reason=MissingReason.BEFORE_FIRST_VALUE),
)
RECORD = Snapshot(
    as_of=AS_OF, instrument=Instrument(symbol="HLDN", name="Holden"), items=ITEMS, missing=MISSING
)


@pytest.mark.parametrize(
    ("role", "first"),
    [
        ("financial_analyst", ["E75", "E70", "E72", "E1"]),
        ("market_context", ["E75", "E70", "E74", "E1"]),
        ("risk_challenger", ["E75", "E70", "E73", "E71"]),
        ("somebody_new", ["E75", "E70", "E1", "E2"]),
    ],
)
def test_at_most_sixty_items_come_in_the_order_of_what_is_needed(role: str, first: list[str]) -> None:
    given = record.given(RECORD, role, ["It has a staff of 70 [E70].", "No more [E99]."])
    assert [each.id for each in given[:4]] == first
    assert len(given) == record.MAX_ITEMS


def test_a_judge_is_given_what_was_cited_and_the_persons_own_figures() -> None:
    given = record.given(RECORD, "moderator", ["Both [E72, E73] matter.", "Prices rose 3 % [E74]."])
    assert [each.id for each in given] == ["E75", "E72", "E73", "E74"]
    assert '"no ' not in record.told(RECORD, "moderator", given)


def test_what_a_role_would_need_and_the_record_lacks_is_told_first() -> None:
    *_, lacking = record.told(RECORD, "risk_challenger", ()).split("\n")
    assert lacking.startswith(
        '{"no HLDN volatility_30d": "before first value", "no P0 headcount": "too many"'
    )
    assert lacking.count('"no ') == record.MAX_MISSING


def test_the_table_names_roles_that_exist() -> None:
    roles = {agent.role for panel in PANELS.values() for agent in panel.agents}
    assert {*FIRST, *JUDGES} <= roles
