"""How fast a debate came, seen from what a watcher received."""

import json
from typing import Any

import pytest

from benchmarks.cluster.pace import PacedFold, paced
from benchmarks.delivery.judge import Connection, Frames

SECOND = 1_000_000_000
HELLO = {"type": "hello", "seq": None, "data": {"head": 0, "recovered": True, "from": 0}}


def token(seq: int, message: str, offset: int, stamp: int) -> dict[str, Any]:
    return {"type": "token", "seq": seq, "data": {"message": message, "offset": offset, "text": f"{stamp} "}}


def heard(*frames: tuple[int, dict[str, Any]], joined: int = 0) -> PacedFold:
    """Each frame comes at its moment."""
    came = Connection(joined, None, [0], [b"HTTP/1.1 101 Switching Protocols\r\n\r\n"])
    for at, frame in frames:
        payload = json.dumps(frame).encode()
        came.pieces.append(b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload)
        came.times.append(at)
    fold = PacedFold()
    fold.follow(came, Frames())
    return fold


def test_the_pace_is_the_models_in_its_messages_and_a_watchers_of_it_all() -> None:
    # Three tokens in two seconds, then a long pause, then the same again; heard half as fast.
    stamps = [1 * SECOND, 2 * SECOND, 3 * SECOND, 100 * SECOND, 101 * SECOND, 102 * SECOND]
    frames = [(0, HELLO)]
    for number, stamp in enumerate(stamps):
        message, place = ("first", number) if number < 3 else ("second", number - 3)
        first = stamps[0] if message == "first" else stamps[3]
        offset = sum(len(f"{it} ") for it in stamps[number - place : number])
        frames.append((first + 2 * (stamp - first), token(number + 1, message, offset, stamp)))
    figures = paced(6, [heard(*frames)])
    # From the first token's saying at 1 to the last one's coming at 104.
    assert (figures["said"], figures["heard"]) == (1.0, pytest.approx(6 / 103))
    assert (figures["lost"], figures["altered"], figures["breaches"]) == (0, 0, 0)
    assert figures["seconds"] == 103


def test_in_one_token_there_is_no_pace_of_the_model() -> None:
    figures = paced(1, [heard((0, HELLO), (2 * SECOND, token(1, "m", 0, SECOND)))])
    assert (figures["said"], figures["heard"], figures["lost"]) == (None, 1.0, 0)


def test_a_verdict_is_no_loss_and_no_alteration() -> None:
    verdict = {
        "type": "agent_message",
        "seq": 2,
        "data": {"message": "v", "kind": "final", "content": "Buy."},
    }
    figures = paced(1, [heard((0, HELLO), (2 * SECOND, token(1, "m", 0, SECOND)), (3 * SECOND, verdict))])
    assert (figures["lost"], figures["altered"], figures["breaches"]) == (0, 0, 0)


def test_nobody_heard_anything() -> None:
    figures = paced(3, [heard((0, HELLO))])
    assert (figures["lost"], figures["heard"]) == (3, None)
    assert figures["seconds"] == pytest.approx(0)
