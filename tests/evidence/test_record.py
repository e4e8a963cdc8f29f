"""The frozen record: exact values, one address, nothing from the future."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from evidence.record import Item, Snapshot, canonical, load

# Nothing here depends on what differs between versions of Python or Django.

AS_OF = datetime(2012, 12, 31, tzinfo=UTC)


def item(number: int = 1, value: object = "532.17", known_at: datetime | None = AS_OF) -> Item:
    return Item.model_validate(
        {"id": f"E{number}", "subject": "AAPL", "metric": "close", "period": "2012-12-31", "value": value}
        | {"unit": "currency", "currency": "USD", "known_at": known_at}
    )


@pytest.mark.parametrize("value", ["532.17", 532.17, Decimal("532.170")])
def test_a_value_is_the_decimal_that_is_written(value: object) -> None:
    assert item(value=value).model_dump(mode="json")["value"] == "532.17"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e99", "12,5", True, None])
def test_a_value_that_is_no_decimal_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        item(value=value)


@given(offsets=st.lists(st.integers(-1000, 1000), max_size=20))
def test_no_snapshot_knows_the_future(offsets: list[int]) -> None:
    items = tuple(
        item(number, known_at=AS_OF + timedelta(hours=hours)) for number, hours in enumerate(offsets, 1)
    )
    if any(hours > 0 for hours in offsets):
        with pytest.raises(ValidationError, match="was not known"):
            Snapshot(as_of=AS_OF, items=items)
    else:
        assert all(
            each.known_at is not None and each.known_at <= AS_OF
            for each in Snapshot(as_of=AS_OF, items=items).items
        )


@given(value=st.integers(0, 10**9), place=st.integers(0, 8), digit=st.integers(1, 9))
def test_another_digit_makes_another_address(value: int, place: int, digit: int) -> None:
    other = value + digit * 10**place
    addresses = {Snapshot(as_of=AS_OF, items=(item(value=each),)).sha256 for each in (value, other)}
    assert len(addresses) == 2


def test_a_snapshot_has_the_same_address_after_json() -> None:
    snapshot = Snapshot(as_of=AS_OF, items=(item(), item(2, "1.10")))
    assert load(snapshot.model_dump(mode="json")).sha256 == snapshot.sha256


def test_two_items_of_one_id_are_refused() -> None:
    with pytest.raises(ValidationError, match="same id"):
        Snapshot(items=(item(), item()))


def test_what_is_hashed_holds_no_floats() -> None:
    with pytest.raises(TypeError):
        canonical({"items": [{"value": 1.5}]})
