"""Text as it grows: whatever the frames join, each character comes once."""

from collections.abc import Iterable
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from conversations.domain.frames import Frame, condense
from streaming.wire.text_deltas import TextDeltas
from tests.support import debates
from tests.support.frames import framed


def texts(frames: Iterable[Frame]) -> dict[str, str]:
    """The text of each message, put together from what each frame adds."""
    deltas = TextDeltas()
    grown: dict[str, str] = {}
    for frame in frames:
        if added := deltas.take(frame):
            grown[frame.data["message"]] = grown.get(frame.data["message"], "") + added
    return grown


@given(st.data())
def test_joined_frames_add_the_same_text_as_single_ones(data: st.DataObject) -> None:
    single = framed(debates.every_event())
    joined, rest = [], single
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        joined += condense(rest[:size])
        rest = rest[size:]
    whole = {each.data["message"]: each.data["content"] for each in single if each.type == "agent_message"}
    for frames in (single, joined):
        grown = texts(frames)
        assert {message: grown[message] for message in whole} == whole


def test_text_comes_token_by_token() -> None:
    deltas = TextDeltas()
    added = [(frame.type, text) for frame in framed(debates.every_event()) if (text := deltas.take(frame))]
    assert [type_ for type_, _ in added] == ["token"] * 7


def test_discarded_message_with_text_is_told_from_one_without() -> None:
    deltas = TextDeltas()
    for frame in framed(debates.every_event()):
        deltas.take(frame)
        if frame.type == "message_discard":
            assert deltas.discard(frame.data["message"])
            assert not deltas.discard(frame.data["message"])


def test_message_that_was_not_streamed_comes_whole() -> None:
    start = debates.message_start(uuid4())
    [text] = texts(framed([start, debates.agent_message(start, "Whole.")])).values()
    assert text == "Whole."
