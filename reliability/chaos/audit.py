"""Find faults in a log, or between two readings of it. Pure; each function returns a sentence for each fault."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from conversations.domain.enums import TERMINAL
from reliability.chaos.stores import Log, Standings, Stored


def altered(before: Log, after: Log) -> list[str]:
    """Rows that were stored before and are not there after, byte for byte."""
    return [
        f"{conversation}: row {row.seq} ({row.type}) was stored, and is {'altered' if now else 'lost'}"
        for conversation, rows in before.items()
        for row, now in _pairs(rows, after.get(conversation, []))
        if row != now
    ]


def _pairs(rows: Sequence[Stored], after: Sequence[Stored]) -> Iterable[tuple[Stored, Stored | None]]:
    by_seq = {row.seq: row for row in after}
    return ((row, by_seq.get(row.seq)) for row in rows)


def unsound(log: Log, standings: Standings) -> list[str]:
    """Broken promises: a debate without an end, a gap, a doubled message, words after the end."""
    return [
        f"{conversation}: {fault}"
        for conversation, standing in standings.items()
        for fault in (
            *([] if standing.has_ended else [f"has not ended, it is {standing.status}"]),
            *_faults(log.get(conversation, []), standing.head),
        )
    ]


def _faults(rows: Sequence[Stored], head: int) -> Iterable[str]:
    seqs = [row.seq for row in rows]
    if seqs != list(range(1, head + 1)):
        yield f"seqs are not 1 to {head} without a gap: {_gaps(seqs, head)}"
    events: list[tuple[str, dict[str, Any]]] = [(row.type, json.loads(row.data)) for row in rows]
    ends = [
        place
        for place, (type_, data) in enumerate(events)
        if type_ == "status" and data["status"] in TERMINAL
    ]
    if len(ends) > 1 or (ends and ends[0] != len(events) - 1):
        yield f"goes on after its end: ends at rows {[place + 1 for place in ends]} of {len(events)}"
    yield from _doubled(events, is_completed=any(events[place][1]["status"] == "completed" for place in ends))


def _gaps(seqs: Sequence[int], head: int) -> str:
    missing = sorted(set(range(1, head + 1)) - set(seqs))
    beyond = sorted(set(seqs) - set(range(1, head + 1)))
    return f"missing {missing[:5]}, beyond the head {beyond[:5]}, {len(seqs) - len(set(seqs))} doubled"


def _doubled(events: Sequence[tuple[str, dict[str, Any]]], *, is_completed: bool) -> Iterable[str]:
    discarded = {data["message"] for type_, data in events if type_ == "message_discard"}
    started = [data["message"] for type_, data in events if type_ == "message_start"]
    whole = [data for type_, data in events if type_ == "agent_message"]
    standing = Counter(
        # Where one model's judgement has no verdict, another one's stands beside it.
        (data["round"], data["agent"], data["model"] if data["kind"] == "final" else None)
        for data in whole
        if data["message"] not in discarded and data["kind"] != "thinking"
    )
    for (round_, agent, _), times in standing.items():
        if times > 1:
            yield f"{agent} stands {times} times in round {round_}"
    for message, times in Counter(data["message"] for data in whole).items():
        if times > 1:
            yield f"message {message} was finished {times} times"
    discards = Counter(data["message"] for type_, data in events if type_ == "message_discard")
    for message, times in discards.items():
        if times > 1:
            yield f"message {message} was discarded {times} times"
    # An end by an error leaves its last message as it stood.
    open_ = set(started) - discarded - {data["message"] for data in whole}
    if is_completed and open_:
        yield f"{len(open_)} messages were neither finished nor discarded"
    if is_completed and (given := sum(type_ == "complete" for type_, _ in events)) != 1:
        yield f"its verdict was given {given} times"


def unfinished(rows: Sequence[Stored]) -> bool:
    """Whether a message has begun, and is neither finished nor discarded."""
    ends = {"agent_message", "message_discard"}
    messages = [(row.type, json.loads(row.data).get("message")) for row in rows]
    begun = {message for type_, message in messages if type_ == "message_start"}
    return bool(begun - {message for type_, message in messages if type_ in ends})
