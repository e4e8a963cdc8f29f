"""Whatever a provider does, in whichever turn: the debate goes on with the next one, or as a demo, or says why not."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from reliability.chaos import providers
from reliability.chaos.providers import CASES, FLAPPING, TURNS, WAYS, Case
from tests.fakes.replies import Fault, Outage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def _takes_seconds(case: Case) -> bool:
    fault = case.how if isinstance(case.how, Outage) else case.how.fault
    late = not isinstance(case.how, Outage) and case.how.late
    return bool(late) or fault in {Outage.BLACK_HOLE, Outage.MUTE, Outage.DEAF, Fault.HANG, Fault.STALL}


def _some() -> Iterator[Any]:
    """Each fault in each way, in one turn of the three, and only one of the ways where it takes its time; all of them
    are in `make chaos`."""
    for number, case in enumerate(CASES):
        for place, way in enumerate(WAYS):
            if _takes_seconds(case) and place != number % len(WAYS):
                continue
            turn = case.turns[(number + place) % len(case.turns)]
            yield pytest.param(case, way, turn, id=f"{case.name}, {turn} turn, {way}")


@pytest.mark.parametrize(("case", "way", "turn"), list(_some()))
async def test_a_debate_goes_on_when_its_provider_fails(alice: User, case: Case, way: str, turn: str) -> None:
    assert turn in TURNS
    _, problems = await WAYS[way](alice, case, turn)
    assert problems == []


async def test_a_debate_starts_at_once_where_the_provider_is_known_to_be_down(alice: User) -> None:
    (row,) = await providers.open_circuit(alice, times=1)
    assert row.problems == []


async def test_a_debate_goes_on_while_its_provider_comes_and_goes(alice: User) -> None:
    rows = await providers.flapping(alice, times=2)
    assert len(rows) == len(FLAPPING)
    assert [it for row in rows for it in row.problems] == []


async def test_a_debate_is_whole_with_a_provider_that_has_its_ways(alice: User) -> None:
    rows = await providers.odd(alice, times=1)
    assert [it for row in rows for it in row.problems] == []
