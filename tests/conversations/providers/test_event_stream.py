"""Server-sent events, however the network divides them."""

import time
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.providers.event_stream import EventStream, EventTooLarge, ServerEvent
from tests.fakes import odd_streams


def parsed(body: bytes, *cuts: int) -> list[ServerEvent]:
    stream, at = EventStream(), 0
    events: list[ServerEvent] = []
    for cut in (*sorted(cut % (len(body) + 1) for cut in cuts), len(body)):
        events += stream.feed(body[at:cut])
        at = cut
    return [*events, *stream.end()]


@pytest.mark.parametrize("kind", odd_streams.WHOLE)
def test_a_stream_is_the_same_in_single_bytes(kind: str) -> None:
    body = odd_streams.WHOLE[kind]
    assert parsed(body, *range(len(body))) == parsed(body)


@given(cuts=st.lists(st.integers(0, 10_000), max_size=20), kind=st.sampled_from(sorted(odd_streams.WHOLE)))
def test_a_stream_is_the_same_however_it_is_divided(cuts: list[int], kind: str) -> None:
    body = odd_streams.WHOLE[kind]
    assert parsed(body, *cuts) == parsed(body)


def test_an_event_has_its_name_and_all_its_data() -> None:
    body = b": a comment\nevent: ping\ndata: 1\r\ndata:2\n\nid: 7\nretry: 3\n\ndata\n\n: end\ndata: 3"
    assert parsed(body) == [
        ServerEvent("ping", (b"1", b"2")),
        ServerEvent("", (b"",)),
        ServerEvent("", (b"3",)),
    ]


def test_an_event_without_end_is_refused() -> None:
    stream = EventStream()
    pieces = (stream.feed(b"data: " + b"x" * 65_536) for _ in range(100))
    with pytest.raises(EventTooLarge):
        list(chain.from_iterable(pieces))


def test_lines_without_a_value_end_too() -> None:
    stream = EventStream()
    pieces = (stream.feed(b"data:\n" * 10_000) for _ in range(100))
    with pytest.raises(EventTooLarge):
        list(chain.from_iterable(pieces))


def test_many_small_events_are_no_large_one() -> None:
    stream = EventStream()
    for _ in range(100):
        assert len(list(stream.feed(b"data: " + b"x" * 65_536 + b"\n\n"))) == 1


def test_a_line_in_single_bytes_takes_no_longer_than_in_proportion() -> None:
    assert seconds_to_feed(400_000) < 40 * seconds_to_feed(40_000)


def seconds_to_feed(count: int) -> float:
    stream, began = EventStream(), time.process_time()
    for _ in range(count):
        for _ in stream.feed(b"x"):
            pass
    return time.process_time() - began
