"""What stands between a model and the log: bounded, in order, and nothing is lost."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.agents.token_buffer import MAX_AHEAD, TokenBuffer

# A run of puts (above 0) or of gets (below).
RUNS = st.lists(st.integers(min_value=-1_200, max_value=1_200), max_size=12)


@given(RUNS)
def test_the_model_is_held_at_800_and_goes_on_at_300(runs: list[int]) -> None:
    async def follow() -> None:
        buffer: TokenBuffer[int] = TokenBuffer()
        numbers, taken, held = itertools.count(), 0, False
        for run in runs:
            for _ in range(run):
                if held:
                    break
                go_on = buffer.put(next(numbers))
                held = len(buffer) >= 800
                assert go_on is not held
            for _ in range(min(-run, len(buffer))):
                assert await buffer.get() == taken
                taken += 1
                held = held and len(buffer) > 300
            assert buffer.held is held
            assert len(buffer) <= MAX_AHEAD

    asyncio.run(follow())


@given(st.integers(0, 3_000), st.lists(st.booleans(), max_size=60), st.integers(2, 40))
def test_whatever_the_pace_of_both_nothing_is_lost_or_out_of_order(
    count: int, yields: list[bool], limit: int
) -> None:
    async def follow() -> tuple[list[int], int]:
        buffer: TokenBuffer[int] = TokenBuffer(limit)
        pauses = itertools.cycle([*yields, False])
        received, longest = [], 0

        async def speak() -> None:
            for number in range(count):
                if not buffer.put(number):
                    await buffer.room()
                if next(pauses):
                    await asyncio.sleep(0)
            buffer.close()

        speaking = asyncio.create_task(speak())
        while (number := await buffer.get()) is not None:
            received.append(number)
            longest = max(longest, len(buffer))
            if next(pauses):
                await asyncio.sleep(0)
        await speaking
        return received, longest

    received, longest = asyncio.run(follow())
    assert received == list(range(count))
    assert longest <= limit


async def test_more_than_the_bound_is_refused_and_not_dropped() -> None:
    buffer: TokenBuffer[int] = TokenBuffer(3)
    for number in range(3):
        buffer.put(number)
    with pytest.raises(OverflowError):
        buffer.put(3)
    assert [await buffer.get() for _ in range(3)] == [0, 1, 2]


async def test_who_waits_for_the_next_hears_of_the_end() -> None:
    buffer: TokenBuffer[int] = TokenBuffer()
    waiting = asyncio.create_task(buffer.get())
    await asyncio.sleep(0)
    buffer.close()
    assert await waiting is None
