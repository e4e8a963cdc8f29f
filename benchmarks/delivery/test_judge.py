"""The bench's own eyes: what is lost, doubled, altered or late is seen as that."""

import json
from collections.abc import Sequence
from typing import Any

from benchmarks.delivery.judge import Connection, Fold, Frames

HELLO = {"type": "hello", "seq": None, "data": {"head": 0, "recovered": True, "from": 0}}
START = {"type": "message_start", "seq": 1, "data": {"message": "m"}}


def token(seq: int, offset: int, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "token", "seq": seq, "data": {"message": "m", "offset": offset, "text": text}, **more}


def whole_message(seq: int, content: str, **more: Any) -> dict[str, Any]:
    return {"type": "agent_message", "seq": seq, "data": {"message": "m", "content": content}, **more}


def connection(*frames: dict[str, Any], joined: int = 0, left_at: int | None = None) -> Connection:
    """Frame n, counted from 1, comes at n * 1000, in two pieces of which the second is what counts."""
    came = Connection(joined, left_at, [0], [b"HTTP/1.1 101 Switching Protocols\r\n\r\n"])
    for number, frame in enumerate(frames, 1):
        payload = json.dumps(frame).encode()
        data = b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload
        came.pieces += [data[:3], data[3:]]
        came.times += [number * 1_000 - 1, number * 1_000]
    return came


def folded(*connections: Connection) -> Fold:
    fold, frames = Fold(), Frames()
    for one in connections:
        fold.follow(one, frames)
    return fold


def seen(fold: Fold) -> Sequence[int]:
    return sorted(fold.seen.elements())


def test_whole_and_in_order() -> None:
    fold = folded(
        connection(
            HELLO, START, token(2, 0, "100 "), token(3, 4, "200 300 "), whole_message(4, "100 200 300 ")
        )
    )
    assert seen(fold) == [100, 200, 300]
    assert (fold.doubled, fold.altered, fold.breaches) == (0, set(), 0)
    assert fold.latencies == [3_000 - 100, 4_000 - 200, 4_000 - 300]


def test_a_lost_token() -> None:
    fold = folded(connection(HELLO, START, token(2, 0, "100 "), token(4, 8, "300 ")))
    assert seen(fold) == [100, 300]
    assert fold.breaches == 1


def test_a_token_that_comes_twice() -> None:
    fold = folded(connection(HELLO, START, token(2, 0, "100 "), token(2, 0, "100 ")))
    assert fold.doubled == 1
    assert (fold.texts["m"], len(fold.latencies)) == ("100 ", 1)


def test_words_that_are_not_the_whole_ones() -> None:
    fold = folded(connection(HELLO, START, token(2, 0, "100 "), whole_message(3, "101 ")))
    assert fold.altered == {"m"}


def test_a_token_at_the_wrong_place() -> None:
    assert folded(connection(HELLO, START, token(2, 3, "100 "))).altered == {"m"}


def test_a_frame_that_stands_for_several() -> None:
    fold = folded(connection(HELLO, START, token(2, 0, "100 "), whole_message(5, "100 200 300 ", after=2)))
    assert seen(fold) == [100, 200, 300]
    assert (fold.altered, fold.breaches) == (set(), 0)


def test_a_frame_that_stands_for_several_and_leaves_one_out() -> None:
    assert folded(connection(HELLO, START, token(4, 4, "300 ", after=2))).breaches == 1


def test_what_came_past_the_cursor_is_forgotten() -> None:
    first = connection(HELLO, START, token(2, 0, "100 "), token(3, 4, "200 "), left_at=2)
    back = {"type": "hello", "seq": None, "data": {"head": 4, "recovered": True, "from": 2}}
    fold = folded(
        first, connection(back, token(4, 4, "200 300 ", after=2), token(5, 12, "1500 "), joined=1_000)
    )
    assert seen(fold) == [100, 200, 300, 1_500]
    assert (fold.doubled, fold.altered, fold.breaches) == (0, set(), 0)
    # History came when it was asked for: it is not late.
    assert fold.latencies == [3_000 - 100, 3_000 - 1_500]
    assert fold.caught_up == 2_000


def test_a_server_that_starts_anew() -> None:
    first = connection(HELLO, START, token(2, 0, "100 "))
    anew = {"type": "hello", "seq": None, "data": {"head": 2, "recovered": False, "from": 0}}
    fold = folded(first, connection(anew, START, token(2, 0, "100 ")))
    assert seen(fold) == [100]
    assert (fold.altered, fold.breaches) == (set(), 0)
