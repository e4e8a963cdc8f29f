"""Speech: whatever the frames join, each character is said once."""

from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from conversations.domain.frames import condense
from streaming.wire.text_deltas import Discarded, Ended, Other, Said, Started, TextDeltas
from tests.support import debates
from tests.support.frames import framed


def spoken(joined: list[Any]) -> list[Any]:
    voices = TextDeltas()
    return [said for each in joined for said in voices.take(each.type, each.data)]


@given(st.data())
def test_joined_frames_say_what_single_ones_say(data: st.DataObject) -> None:
    single = framed(debates.every_event())
    joined, rest = [], single
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        joined += condense(rest[:size])
        rest = rest[size:]
    texts: list[dict[str, str]] = []
    for each in (single, joined):
        told: dict[str, str] = {}
        for said in spoken(each):
            if isinstance(said, Said):
                told[said.message] = told.get(said.message, "") + said.text
        texts.append(told)
    whole = {said.message: said.data["content"] for said in spoken(single) if isinstance(said, Ended)}
    assert {message: texts[0][message] for message in whole} == whole
    assert {message: texts[1][message] for message in whole} == whole


def test_speech_is_in_order() -> None:
    kinds = [type(said) for said in spoken(framed(debates.every_event())) if not isinstance(said, Other)]
    assert kinds == [Started, Said, Said, Discarded, Started, *[Said] * 5, Ended]


def test_what_is_discarded_is_told_with_what_was_said_of_it() -> None:
    [gone] = [said for said in spoken(framed(debates.every_event())) if isinstance(said, Discarded)]
    assert (gone.reason, gone.text) == ("provider_dropped", "Half a senten")


def test_a_message_that_was_not_streamed_is_said_whole() -> None:
    start = debates.message_start(uuid4())
    said = spoken(framed([start, debates.agent_message(start, "Whole.")]))
    assert [each.text for each in said if isinstance(each, Said)] == ["Whole."]
