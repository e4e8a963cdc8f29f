"""Joined frames say what the events they stand for say, however they were cut, and are octets any client reads."""

import copy
import json
from collections.abc import Generator, Sequence
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.streams import StreamReader

from conversations.domain import transcript
from conversations.domain.enums import Status
from conversations.domain.events import EventData
from conversations.domain.frames import Frame, condense
from tests.support import debates, stories
from tests.support.frames import fold_frames, frame_of_text, framed

pytestmark = pytest.mark.anywhere

STORIES = stories.stories()


def cut(story: Sequence[EventData], places: Sequence[int]) -> list[list[Frame]]:
    """The story's frames in consecutive batches."""
    single = framed(story)
    ends = sorted({place % (len(single) + 1) for place in places} | {len(single)})
    return [single[start:end] for start, end in pairwise([0, *ends])]


def decoded(joined: Sequence[Frame]) -> list[dict[str, Any]]:
    return [json.loads(frame.text) for frame in joined]


CUTS = st.lists(st.integers(0, 500), max_size=8)


# They fold to the same


@settings(max_examples=200)
@given(STORIES, CUTS)
def test_joined_frames_fold_to_the_stored_transcript_however_they_were_cut(
    story: list[EventData], cuts: list[int]
) -> None:
    joined = [frame for batch in cut(story, cuts) for frame in condense(batch)]
    assert fold_frames(decoded(joined)) == transcript.fold(stories.rows(story))


@given(STORIES, CUTS)
def test_at_the_end_of_every_batch_the_state_is_the_one_fetched_fresh(
    story: list[EventData], cuts: list[int]
) -> None:
    rows, state = stories.rows(story), transcript.empty()
    for batch in cut(story, cuts):
        for frame in condense(batch):
            state = fold_frames([json.loads(frame.text)], state)
            # Not only at the cuts: a frame says all of what it stands for, and nothing of what follows.
            assert state == transcript.fold(rows[: frame.seq])


@given(STORIES, st.integers(0, 500), CUTS)
def test_a_snapshot_and_the_frames_after_it_are_a_later_snapshot(
    story: list[EventData], taken: int, cuts: list[int]
) -> None:
    rows = stories.rows(story)
    taken %= len(rows) + 1
    snapshot = transcript.fold(rows[:taken])
    later = cut(story, [taken, *cuts])
    joined = [frame for batch in later for frame in condense(batch) if frame.seq > taken]
    assert fold_frames(decoded(joined), copy.deepcopy(snapshot)) == transcript.fold(rows)


@given(STORIES, CUTS)
def test_what_was_joined_can_be_joined_again(story: list[EventData], cuts: list[int]) -> None:
    once = [frame for batch in cut(story, cuts) for frame in condense(batch)]
    twice = condense(once)
    assert fold_frames(decoded(twice)) == transcript.fold(stories.rows(story))
    assert len(twice) <= len(once)


@given(STORIES, CUTS)
def test_the_chain_of_after_and_seq_has_no_gap_and_the_text_says_the_same(
    story: list[EventData], cuts: list[int]
) -> None:
    head = 0
    for batch in cut(story, cuts):
        for frame in condense(batch):
            said = json.loads(frame.text)
            assert said.get("after", said["seq"] - 1) == frame.after == head
            assert (said["seq"], said["type"]) == (frame.seq, frame.type)
            head = frame.seq
    assert head == len(story)


@given(STORIES, CUTS)
def test_a_joined_frame_is_the_last_ones_with_what_came_before_it(
    story: list[EventData], cuts: list[int]
) -> None:
    """Everything but the words, their count and their place is the newest event's own."""
    stored = {frame.seq: json.loads(frame.text) for frame in framed(story)}
    for batch in cut(story, cuts):
        for frame in condense(batch):
            joined = json.loads(frame.text)
            newest = stored[frame.seq]
            assert list(joined) in (
                ["type", "seq", "conversation", "at", "data"],
                ["type", "seq", "after", "conversation", "at", "data"],
            )
            assert {key: joined[key] for key in newest if key != "data"} == {
                key: newest[key] for key in newest if key != "data"
            }
            assert list(joined["data"]) == list(newest["data"])
            if frame.type == "token":
                first = stored[frame.after + 1]
                assert joined["data"]["offset"] == first["data"]["offset"]
                assert joined["data"]["cost"] == newest["data"]["cost"]
            else:
                assert joined["data"] == newest["data"]


# As few as say it


def test_of_a_message_that_has_ended_only_the_whole_is_left() -> None:
    start = debates.message_start(uuid4())
    spoken = [start, *debates.tokens(start.message, "abcde"), debates.agent_message(start, "abcde", 5)]
    condensed = condense(framed(spoken))
    assert [(frame.type, frame.after, frame.seq) for frame in condensed] == [
        ("message_start", 0, 1),
        ("agent_message", 1, 7),
    ]


def test_a_whole_message_that_does_not_say_how_many_tokens_it_had_comes_with_them() -> None:
    start = debates.message_start(uuid4())
    spoken = [start, *debates.tokens(start.message, "abcde"), debates.agent_message(start, "abcde")]
    condensed = condense(framed(spoken))
    assert [(frame.type, frame.after, frame.seq) for frame in condensed] == [
        ("message_start", 0, 1),
        ("token", 1, 6),
        ("agent_message", 6, 7),
    ]
    assert condensed[1].token_count == 5


def test_the_words_before_and_after_an_interruption_stay_on_their_sides() -> None:
    start = debates.message_start(uuid4())
    *words, last, later = debates.tokens(start.message, "abcd")
    spoken = [start, *words, debates.status(Status.PAUSED), last, later]
    condensed = condense(framed(spoken))
    assert [(frame.type, frame.after, frame.seq) for frame in condensed] == [
        ("message_start", 0, 1),
        ("token", 1, 3),
        ("status", 3, 4),
        ("token", 4, 6),
    ]


@given(STORIES)
def test_the_stored_frames_are_left_as_they_are(story: list[EventData]) -> None:
    stored = framed(story)
    before = [(frame.seq, frame.after, frame.text) for frame in stored]
    condense(stored)
    assert [(frame.seq, frame.after, frame.text) for frame in stored] == before


@given(STORIES)
def test_nothing_two_neighbours_could_be_is_left_as_two(story: list[EventData]) -> None:
    for before, after in pairwise(condense(framed(story))):
        if before.type == after.type == "token" and before.data["message"] == after.data["message"]:
            assert before.data["offset"] + len(before.data["text"]) != after.data["offset"]


# Octets


def parsed(octets: bytes) -> WebSocketFrame:
    """The one frame in these octets, as a client of the `websockets` package reads it."""
    reader = StreamReader()
    reader.feed_data(octets)
    reader.feed_eof()
    parsing: Generator[None, None, WebSocketFrame] = WebSocketFrame.parse(
        reader.read_exact, mask=False, max_size=None
    )
    with pytest.raises(StopIteration) as done:
        next(parsing)
    frame: WebSocketFrame = done.value.value
    # Nothing is left over.
    with pytest.raises(StopIteration) as rest:
        next(reader.read_to_eof(10))
    assert rest.value.value == b""
    return frame


@pytest.mark.parametrize("size", [0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537, 200_000])
def test_any_size_is_one_whole_text_frame_without_a_mask(size: int) -> None:
    payload = ("€" * size).encode()[: size - size % 3] + b"x" * (size % 3)
    frame = parsed(frame_of_text(1, payload.decode()).octets)
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.TEXT, True, payload)
    assert (frame.rsv1, frame.rsv2, frame.rsv3) == (False, False, False)


@given(st.lists(stories.WORDS, min_size=1, max_size=30))
def test_octets_message_and_size_say_the_same(words: list[str]) -> None:
    start = debates.message_start(uuid4())
    [_, frame] = condense(framed([start, *debates.tokens(start.message, words)]))
    assert bytes(parsed(frame.octets).data).decode() == frame.message["text"] == frame.text
    assert frame.size == len(frame.text.encode())
    assert json.loads(frame.text)["data"]["text"] == "".join(words)
