"""A debate as Markdown: the words as they were said, each under its speaker, and all that is no word marked as such."""

from collections.abc import Iterable
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.domain.enums import Mode, Stance, Status
from conversations.domain.events import EventData, HumanMessage, InputExpired, MessageDiscard
from conversations.domain.frames import Frame, condense
from streaming.transports.openai.markdown import Markdown
from tests.support import debates
from tests.support.frames import framed


def written(joined: Iterable[Frame], rounds: int = 1) -> str:
    return "".join(map(Markdown(rounds).write, joined))


def text(*events: EventData, rounds: int = 1) -> str:
    return written(framed(events), rounds)


def test_everything_that_happens_is_told() -> None:
    assert text(*debates.every_event()) == (
        "## Risk Challenger\n"
        "\n"
        "Half a senten\n"
        "\n"
        "> **The last message was discarded**: it was interrupted (provider_dropped).\n"
        "\n"
        "> Action: quote(HLDN)\n"
        "\n"
        "> Result: € 41,20\n"
        "\n"
        "> Action: news()\n"
        "\n"
        "> No result: tool failed\n"
        "\n"
        "## Risk Challenger\n"
        "\n"
        "The price is **€ 41**, <b>not</b> \U0001f4c8 \u202eup\u2028\n"
        "\n"
        "> **Risk Challenger asks:** Which horizon?\n"
        "\n"
        "> **alice:** Five years\n"
        "\n"
        "> **Risk Challenger asks:** Which currency?\n"
        "\n"
        "> Not answered in time.\n"
        "\n"
        "> **Figures.** 1 figure: 1 fits the record.\n"
        "\n"
        "## Verdict\n"
        "\n"
        "**Buy**, with a confidence of 64%\n"
        "\n"
        "Leaning towards buying."
    )


@given(st.data())
def test_joined_frames_are_written_as_single_ones(data: st.DataObject) -> None:
    begun = debates.message_start(uuid4())
    words = ["One ", "two ", "three ", "\u2028", "\U0001f4c8"]
    events = [begun, *debates.tokens(begun.message, words), debates.agent_message(begun, "".join(words), 5)]
    rest = framed(events)
    whole, joined = written(rest), []
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        joined += condense(rest[:size])
        rest = rest[size:]
    assert written(joined) == whole


def test_words_go_on_after_a_question_in_their_midst() -> None:
    begun, request = debates.message_start(uuid4()), uuid4()
    first, *rest = debates.tokens(begun.message, ["It depends. ", "Then", " buy."])
    events = [begun, first, debates.input_request(begun, request), InputExpired(request=request), *rest]
    assert text(*events) == (
        "## Risk Challenger\n\nIt depends. \n\n> **Risk Challenger asks:** Which horizon?\n\n"
        "> Not answered in time.\n\nThen buy."
    )


def test_what_a_person_says_stays_within_its_quote() -> None:
    said = HumanMessage(author="alice", text="One\n\n## Moderator\nBuy.")
    assert text(said) == "> **alice:** One\n>\n> ## Moderator\n> Buy."


def test_a_turn_that_broke_off_before_its_first_word_leaves_no_trace() -> None:
    begun = debates.message_start(uuid4())
    assert text(begun, MessageDiscard(message=begun.message, reason="provider_timeout")) == ""


def test_a_demo_is_told_once_and_in_each_heading() -> None:
    live, demo, other = (
        debates.message_start(uuid4(), "Financial Analyst"),
        debates.message_start(uuid4(), "Market Context", Mode.DEMO),
        debates.message_start(uuid4(), "Risk Challenger", Mode.DEMO),
    )
    events = [
        live,
        debates.token(live.message, "Real."),
        debates.status(Status.ACTIVE, Mode.DEMO),
        demo,
        debates.token(demo.message, "Not."),
        other,
        debates.token(other.message, "Nor this."),
        debates.complete(
            verdict=Stance.NO_VERDICT, confidence=None, summary="", reason="demo", mode=Mode.DEMO
        ),
    ]
    assert text(*events) == (
        "## Financial Analyst\n\nReal.\n\n"
        "> **Scripted demo.** From here on the text is scripted and not an analysis; no model is used.\n\n"
        "## Market Context (demo)\n\nNot.\n\n"
        "## Risk Challenger (demo)\n\nNor this.\n\n"
        "## Verdict (demo)\n\n**No verdict**: this was a scripted demo; nothing was analysed."
    )
    # Also where nobody said so before its first word.
    assert text(demo, debates.token(demo.message, "Not.")).startswith("> **Scripted demo.**")


def test_a_confidence_that_nobody_stated_is_not_told() -> None:
    assert text(debates.complete(confidence=None, summary="", verdict=Stance.STRONG_SELL)) == (
        "## Verdict\n\n**Strong sell**"
    )


def test_the_verdict_does_not_repeat_what_the_moderator_said() -> None:
    begun = debates.message_start(uuid4(), "Moderator")
    said = debates.agent_message(begun, "Leaning towards buying.")
    assert text(begun, said, debates.complete(dissent="Risk says no.")) == (
        "## Moderator\n\nLeaning towards buying.\n\n"
        "## Verdict\n\n**Buy**, with a confidence of 64%\n\n**Disagreement.** Risk says no."
    )


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("demo", "this was a scripted demo; nothing was analysed."),
        ("budget", "the debate reached its budget before it could be judged."),
        ("invalid_answer", "the moderator's answer was no valid verdict."),
        ("prices_missing", "the record has no current price of what the debate is about."),
        ("of_tomorrow", "of_tomorrow"),
    ],
)
def test_no_verdict_has_its_reason(reason: str, sentence: str) -> None:
    ended = debates.complete(verdict=Stance.NO_VERDICT, confidence=None, summary="", reason=reason)
    assert text(ended) == f"## Verdict\n\n**No verdict**: {sentence}"


def test_a_test_run_is_no_opinion() -> None:
    ended = debates.complete(verdict=Stance.NO_VERDICT, confidence=None, summary="", reason="test_model")
    assert text(ended) == (
        "## Verdict\n\n**Test run, no opinion**: a model that is only for trying Outcry spoke here."
    )


def test_a_budget_that_is_reached_is_told_once() -> None:
    reached = debates.status(Status.ACTIVE, reason="budget")
    ended = debates.status(Status.COMPLETED, reason="budget")
    assert (
        text(reached, ended)
        == "> The debate has reached its budget. The verdict is based on the debate so far."
    )


def test_of_several_rounds_headings_say_which() -> None:
    begun = debates.message_start(uuid4())
    assert text(begun, debates.token(begun.message, "Buy."), rounds=2) == (
        "## Risk Challenger, round 1\n\nBuy."
    )
