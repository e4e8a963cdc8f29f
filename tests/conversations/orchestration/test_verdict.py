"""Reading a verdict: what wraps it is taken off, how a value is written is put right, and nothing is invented."""

import json
from typing import Any

import pytest

from conversations.agents.answer_form import Unreadable
from conversations.domain.enums import Status
from conversations.domain.events import (
    AgentMessage,
    Complete,
    EventData,
    Fallback,
    MessageDiscard,
    StatusChanged,
)
from conversations.local_model import supervisor
from conversations.orchestration.verdict import VerdictAnswer, read
from conversations.prompts.quotation import quoted
from conversations.providers.catalog import DEMO, Provider, parse
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import VERDICT, Fault, Reply, fails, says, verdict
from tests.support.held import debate, hold, only

WHOLE = json.dumps(VERDICT)


def but(**fields: Any) -> str:
    return json.dumps({**VERDICT, **fields})


def without(name: str, **more: Any) -> str:
    return json.dumps({**{key: value for key, value in VERDICT.items() if key != name}, **more})


WRAPPED = {
    "nothing": WHOLE,
    "a fence": f"```json\n{WHOLE}\n```",
    "a fence without a name": f"```\n{WHOLE}\n```\n",
    "prose": f"Here it is:\n{WHOLE}\nAnything else?",
    "prose with braces": f"As {{asked}}, {{}}: {WHOLE} {{done}}",
    "thoughts": f"<think>Perhaps {but(stance='sell')}?</think>\n{WHOLE}",
    "thoughts without an opening tag": f"Perhaps {but(stance='sell')}?</think>\n{WHOLE}",
    "an object": json.dumps({"verdict": VERDICT}),
    "a list": json.dumps([VERDICT]),
    "a string": json.dumps(WHOLE),
    "itself": f"{WHOLE}\n{WHOLE}",
    "line ends in a text": WHOLE.replace("renewal as", "renewal\nas"),
}


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_a_verdict_is_taken_out_of_its_wrapping(wrapping: str) -> None:
    found = read(WRAPPED[wrapping], VerdictAnswer)
    assert (found.stance, found.confidence) == ("buy", 0.64)


NEARLY = {
    but(stance="Hold"): ("hold", 0.64),
    but(stance="STRONG BUY"): ("strong_buy", 0.64),
    but(stance="strong-sell."): ("strong_sell", 0.64),
    but(confidence_percent="55%"): ("buy", 0.55),
    but(confidence_percent="55"): ("buy", 0.55),
    but(confidence_percent=55.5): ("buy", 0.555),
    but(confidence_percent=100): ("buy", 1.0),
    but(confidence_percent=0): ("buy", 0.0),
    but(reasoning="Because."): ("buy", 0.64),
    without("confidence_percent", confidence=0.55): ("buy", 0.55),
    without("confidence_percent", confidence=55): ("buy", 0.55),
    without("confidence_percent", confidencePercent=55): ("buy", 0.55),
    without("stance", Stance="buy"): ("buy", 0.64),
    but(risks="One risk."): ("buy", 0.64),
    but(risks=None): ("buy", 0.64),
    but(would_change=None): ("buy", 0.64),
    without("would_change"): ("buy", 0.64),
}


@pytest.mark.parametrize("answer", NEARLY)
def test_how_a_value_is_written_is_put_right(answer: str) -> None:
    found = read(answer, VerdictAnswer)
    assert (found.stance, found.confidence) == NEARLY[answer]


@pytest.mark.parametrize(
    ("horizon", "kept"),
    [
        ("12 months", "12 months"),
        ("十二个月", "十二个月"),
        ("Q3", "Q3"),
        ("months", ""),
        ("the long term", ""),
        ("", ""),
    ],
)
def test_a_horizon_without_a_number_is_left_out(horizon: str, kept: str) -> None:
    assert read(but(horizon=horizon), VerdictAnswer).horizon == kept


WRONG = {
    "I would buy it.": "It holds no JSON object.",
    WHOLE[:-20]: "Its JSON object is cut off.",
    but(stance="perhaps"): "stance: Input should be 'strong_buy', 'buy', 'hold', 'sell' or 'strong_sell'.",
    but(stance="buy or hold"): "stance: ",
    but(confidence_percent=640): "confidence_percent: must be from 0 to 100.",
    but(confidence_percent=0.55): "confidence_percent: must be a percentage, such as 55, not a fraction.",
    but(confidence_percent="high"): "confidence_percent: Input should be a valid number.",
    but(confidence_percent=None): "confidence_percent: Input should be a valid number.",
    but(confidence_percent=True): "confidence_percent: Input should be a valid number.",
    without("confidence_percent", confidence=1): "confidence_percent: Input should be a valid number.",
    without("risks"): "risks: Field required.",
    but(summary=" "): "summary: must not be empty.",
    but(summary=["A", "B"]): "summary: Input should be a valid string.",
    f"{WHOLE} or {but(stance='sell')}": "It holds more than one answer.",
    "[]": "It holds no JSON object.",
}


@pytest.mark.parametrize("answer", WRONG)
def test_what_is_not_clear_is_named(answer: str) -> None:
    with pytest.raises(Unreadable) as wrong:
        read(answer, VerdictAnswer)
    assert WRONG[answer] in str(wrong.value)


def test_an_answer_of_braces_is_read_in_no_time() -> None:
    for hostile in (
        "{" * 500_000,
        '{"a":' * 100_000,
        "[" * 500_000,
        '"' + "\\" * 500_000,
        "<think>" * 70_000,
    ):
        with pytest.raises(Unreadable):
            read(hostile, VerdictAnswer)


def test_the_schema_has_only_what_every_provider_takes() -> None:
    allowed = {
        "type",
        "enum",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "description",
        "title",
    }
    schema = VerdictAnswer.model_json_schema()
    assert set(schema) <= allowed
    assert set(schema["required"]) == set(schema["properties"])
    for field in schema["properties"].values():
        assert set(field) <= allowed
        assert set(field.get("items", {})) <= allowed


# In a debate


async def test_a_moderator_is_told_exactly_what_was_wrong(openai: OpenAIServer) -> None:
    openai.answer(says(but(stance="perhaps")), verdict(), to="Moderator")
    events = await hold(debate(openai))
    assert only(Complete, events)[0].verdict == "buy"
    asked = openai.asked[-1].messages
    assert quoted(answer=but(stance="perhaps")) in asked[-1]["content"]
    assert "stance: Input should be" in asked[-1]["content"]
    # As it is, it might have marks that the server's chat template reads.
    assert [message["role"] for message in asked] == ["system", "user"]


FAILED_CORRECTIONS = [fails(500), fails(429), says(fault=Fault.RESET), says("Sorry.")]


@pytest.mark.parametrize("correction", FAILED_CORRECTIONS)
async def test_a_judgement_stays_when_its_correction_fails(openai: OpenAIServer, correction: Reply) -> None:
    openai.answer(says("One should buy."), correction, to="Moderator")
    events = await hold(debate(openai))
    assert only(AgentMessage, events)[-1].content == "One should buy."
    assert only(MessageDiscard, events) == []
    complete = only(Complete, events)[0]
    assert (complete.verdict, complete.reason) == ("no_verdict", "invalid_answer")


async def test_another_model_gives_the_verdict_and_the_judgement_stays(openai: OpenAIServer) -> None:
    openai.answer(says("One should buy."), says("Sorry."), to="Moderator")
    async with OpenAIServer(model="second") as second:
        events = await hold(debate(openai, second))
    assert only(MessageDiscard, events) == []
    first, last = only(AgentMessage, events)[-2:]
    assert (first.content, first.model) == ("One should buy.", "stand-in")
    assert (last.content, last.model) == (VERDICT["summary"], "second")
    assert only(Fallback, events)[0].code == "provider_invalid_answer"
    complete = only(Complete, events)[0]
    assert complete.verdict == "buy"
    assert complete.cost_summary.unpriced_messages == 5
    # It judges the debate, not the other judgement.
    assert "One should buy." not in json.dumps(second.asked[0].body)


async def test_the_demo_does_not_judge_a_debate_that_was_paid_for(openai: OpenAIServer) -> None:
    openai.answer(says("One should buy."), says("Sorry."), to="Moderator")
    openai.answer(says("One should buy."), says("Sorry."), to="Moderator")
    events = await hold(debate(openai, parse(openai.provider.replace("stand-in", "second")), DEMO))
    assert {event.mode for event in only(StatusChanged, events)} == {"live"}
    assert only(StatusChanged, events)[-1].status is Status.COMPLETED
    assert [message.content for message in only(AgentMessage, events)[-2:]] == ["One should buy."] * 2


# Models that are only for trying Outcry


SENTENCE = "The debate leans towards buying the shares."
SPEECHES = [says("It is cheap."), says("It is not."), says("It depends.")]


@pytest.fixture
def local(openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The local model, whose endpoint is the stand-in."""

    async def url() -> str:
        return openai.url

    monkeypatch.setattr(supervisor, "url", url)
    return parse("local")


def ending(events: list[EventData]) -> tuple[Any, ...]:
    complete = only(Complete, events)[0]
    return complete.verdict, complete.reason, complete.confidence, only(AgentMessage, events)[-1].confidence


async def test_a_test_model_gives_no_stance(local: Provider, openai: OpenAIServer) -> None:
    openai.answer(*SPEECHES, says(json.dumps({"summary": SENTENCE})))
    events = await hold(debate(local))
    assert ending(events) == ("no_verdict", "test_model", None, None)
    complete = only(Complete, events)[0]
    assert (complete.summary, complete.horizon) == (SENTENCE, "")
    # Speakers are held to whole sentences.
    assert "root ::=" in openai.asked[0].body["grammar"]
    # It is not even asked for one.
    assert "stance" not in json.dumps(openai.asked[-1].body)


async def test_no_stance_rests_on_speeches_of_a_test_model(local: Provider, openai: OpenAIServer) -> None:
    openai.answer(*SPEECHES, says("Sorry."), says("Sorry."))
    async with OpenAIServer(model="second") as judge:
        events = await hold(debate(local, judge))
    assert only(AgentMessage, events)[-1].model == "second"
    assert ending(events) == ("no_verdict", "test_model", None, None)
    complete = only(Complete, events)[0]
    assert (complete.summary, complete.key_points) == (VERDICT["summary"], ())


async def test_one_speech_of_a_test_model_leaves_the_stance(local: Provider, openai: OpenAIServer) -> None:
    async with OpenAIServer(model="second") as second:
        second.answer(says(fault=Fault.RESET), to="Financial Analyst")
        events = await hold(debate(second, local))
    assert [message.provider for message in only(AgentMessage, events)].count("local") == 1
    assert ending(events) == ("buy", None, 0.64, 0.64)
