"""Frames as servers send them, and what is answered."""

import pytest

from benchmarks.delivery import wire


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_frames_of_every_length(length: int) -> None:
    payload = b"x" * length
    if length < 126:
        header = bytes([0x81, length])
    elif length < 65_536:
        header = b"\x81\x7e" + length.to_bytes(2, "big")
    else:
        header = b"\x81\x7f" + length.to_bytes(8, "big")
    data = b"head" + header + payload
    assert list(wire.frames(data + b"\x81\x05par", 4)) == [(wire.TEXT, len(data), payload)]


def test_a_ping_is_answered_with_its_payload() -> None:
    assert wire.pong(b"\x81\x02hi\x89\x04beat") == b"\x8a\x84\x00\x00\x00\x00beat"


def test_a_ping_before_a_length_that_looks_like_one_is_answered() -> None:
    frame = b"\x81\x7e\x00\x89" + b"\xc3" * 0x89
    assert wire.pong(b"\x89\x04beat" + frame) == b"\x8a\x84\x00\x00\x00\x00beat"


def test_what_is_no_ping_is_not_answered() -> None:
    assert wire.pong(b"\x81\x02hi") is None


def test_a_close_frame_is_seen_at_the_end() -> None:
    assert wire.close_code(b"\x81\x02hi\x88\x02\x03\xe8") == 1000
    assert wire.close_code(b"\x81\x02hi") is None
    assert wire.close_code(b"\x88\x02\x03\xe8\x81\x02hi") is None


def test_a_length_that_looks_like_a_close_frame() -> None:
    assert wire.close_code(b"\x81\x7e\x01\x88" + b"{" * 0x188) is None


def test_a_refusal_is_told_from_a_switch() -> None:
    assert wire.refusal(b"HTTP/1.1 403 Forbidden\r\nX: y") == "HTTP/1.1 403 Forbidden"
    assert wire.refusal(b"HTTP/1.1 101 Switching Protocols\r\nX: y") is None
