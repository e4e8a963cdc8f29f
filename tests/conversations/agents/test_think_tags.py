"""Thoughts in tags, however the answer is divided into chunks."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.agents.think_tags import Is, ThinkTags, spoken

# An answer, the thoughts in it, and what was said.
ANSWERS = [
    ("Margins rose.", "", "Margins rose."),
    ("<think>Secret.</think>\n\nMargins rose.", "Secret.", "Margins rose."),
    ("\n <THINKING>Secret.</THINKING> Margins rose.", "Secret.", "Margins rose."),
    ("<thought>A</thought><think>B</think>Said.", "AB", "Said."),
    ("<think></think>Said.", "", "Said."),
    ("<think>Never ended", "Never ended", ""),
    ("Secret.</think>\nSaid.", "Secret.", "Said."),
    ("Use <think> tags, a < b.", "", "Use <think> tags, a < b."),
    ("<think>a < b </ c</think>a <b> c", "a < b </ c", "a <b> c"),
    ("<think>A</think>Said </think> too.", "A", "Said </think> too."),
    ("<thin", "", "<thin"),
    ("  Said.", "", "  Said."),
    ("", "", ""),
]


def divided(text: str, cuts: list[int]) -> tuple[str, str]:
    """(thoughts, speech) of the text in pieces."""
    tags, thoughts, said = ThinkTags(), "", ""
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    parts = [part for at, to in pairwise(places) for part in tags.feed(text[at:to])]
    for what, piece in (*parts, *tags.end()):
        if what is Is.THOUGHT:
            thoughts += piece
        elif what is Is.SPEECH:
            said += piece
        else:
            thoughts, said = thoughts + said, ""
    return thoughts, said


@pytest.mark.parametrize(("answer", "thoughts", "said"), ANSWERS)
def test_thoughts_are_separated_from_speech(answer: str, thoughts: str, said: str) -> None:
    assert divided(answer, []) == (thoughts, said)
    assert divided(answer, [*range(len(answer))]) == (thoughts, said)
    assert spoken(answer) == said


@given(
    text=st.text(alphabet="<>/ think\n", max_size=60) | st.sampled_from([answer for answer, _, _ in ANSWERS]),
    cuts=st.lists(st.integers(0, 100), max_size=10),
)
def test_how_an_answer_is_divided_makes_no_difference(text: str, cuts: list[int]) -> None:
    assert divided(text, cuts) == divided(text, [])


def test_white_space_before_an_answer_takes_no_longer_than_in_proportion() -> None:
    assert seconds_to_feed(300_000) < 40 * seconds_to_feed(30_000)


def seconds_to_feed(count: int) -> float:
    tags, began = ThinkTags(), time.process_time()
    for _ in range(count):
        tags.feed("\n")
    assert "".join(part.text for part in tags.end()) == "\n" * count
    return time.process_time() - began
