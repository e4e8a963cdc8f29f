"""The audit finds what it is there for: a log that is as it should be is the only one that it has nothing to say of."""

import json
from dataclasses import replace
from typing import Any

from reliability.chaos import audit
from reliability.chaos.stores import Standing, Stored


def _row(seq: int, type_: str, **data: Any) -> Stored:
    return Stored(seq, type_, json.dumps(data), "2026-01-05 14:31:00")


def _said(seq: int, message: str, agent: str = "Risk Challenger") -> Stored:
    return _row(seq, "agent_message", message=message, agent=agent, round=1, kind="analysis")


ROWS = [
    _row(1, "status", status="queued"),
    _row(2, "message_start", message="a"),
    _row(3, "message_discard", message="a"),
    _row(4, "message_start", message="b"),
    _said(5, "b"),
    _row(6, "complete", verdict="buy"),
    _row(7, "status", status="completed"),
]


def _found(rows: list[Stored], status: str = "completed") -> list[str]:
    return audit.unsound({"c": rows}, {"c": Standing(status, "live", None, len(rows), None)})


def test_a_sound_log_is_sound() -> None:
    assert _found(ROWS) == []


def test_a_debate_without_an_end_is_found() -> None:
    (found,) = _found(ROWS[:5], status="active")
    assert "has not ended" in found


def test_a_gap_is_found() -> None:
    (found,) = _found([*ROWS[:2], *(replace(row, seq=row.seq + 1) for row in ROWS[2:])])
    assert "missing [3]" in found


def test_a_doubled_message_is_found() -> None:
    doubled = [*ROWS[:5], _row(6, "message_start", message="c"), _said(7, "c"), *ROWS[5:]]
    (found,) = _found([replace(row, seq=seq) for seq, row in enumerate(doubled, 1)])
    assert "stands 2 times" in found


def test_a_message_that_was_discarded_twice_is_found() -> None:
    twice = [*ROWS[:3], *ROWS[2:]]
    (found,) = _found([replace(row, seq=seq) for seq, row in enumerate(twice, 1)])
    assert "discarded 2 times" in found


def test_words_after_the_end_are_found() -> None:
    (found,) = _found([*ROWS, _row(8, "token", message="b")])
    assert "goes on after its end" in found


def test_a_message_that_was_left_open_is_found() -> None:
    left = [*ROWS[:2], *(replace(row, seq=row.seq - 1) for row in ROWS[3:])]
    (found,) = _found(left)
    assert "neither finished nor discarded" in found


def test_a_row_that_is_gone_or_altered_is_found() -> None:
    assert audit.altered({"c": ROWS[:5]}, {"c": ROWS}) == []
    assert "is lost" in audit.altered({"c": ROWS}, {"c": ROWS[:-1]})[0]
    # The same value in other bytes.
    other = replace(ROWS[0], data=ROWS[0].data.replace(": ", ":"))
    assert "is altered" in audit.altered({"c": ROWS}, {"c": [other, *ROWS[1:]]})[0]
