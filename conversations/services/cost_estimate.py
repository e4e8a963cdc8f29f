"""What a debate will take, before it starts: its own prompts, turn by turn, with answers of a usual length."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from django.conf import settings

from conversations.domain.budget_guard import Call
from conversations.domain.panels import PANELS, Agent
from conversations.domain.requests import NewConversation
from conversations.prompts import builder
from conversations.prompts.builder import CHARACTERS_PER_TOKEN, Question, Spoken, Task
from conversations.providers import pricing
from conversations.providers.catalog import Provider, longest_answer

N = TypeVar("N", int, float)


@dataclass(frozen=True)
class Length:
    """Of an answer, in tokens: what is said, and what the model thinks before, which is paid for and not heard."""

    said: int
    thought: int = 0


# Speakers are asked for at most 180 words, which are some 240 tokens. Many say a third of that; some say half as much
# again, and those that think before they speak take about four times that for it.
SHORT: Final = Length(80)
LONG: Final = Length(360, thought=1_000)
# The local model's grammar lets it say two or three sentences, and its longest answer is cut.
LOCAL_SHORT: Final = Length(30)
LOCAL_LONG: Final = Length(160)


@dataclass(frozen=True)
class Range(Generic[N]):
    """From a debate of short answers to one of long ones."""

    low: N
    high: N


@dataclass(frozen=True)
class Estimate:
    """`usd` is None where the model's price is unknown. A turn that fails and is spoken again is not in it."""

    provider: str
    tokens: Range[int]
    usd: Range[float] | None


def estimate(new: NewConversation, provider: Provider) -> Estimate:
    """What the debate takes if the provider speaks all of it, and nobody interjects."""
    short, long = (LOCAL_SHORT, LOCAL_LONG) if provider.kind == "local" else (SHORT, LONG)
    low, high = [*_calls(new, provider, short)], [*_calls(new, provider, long)]
    cheapest, dearest = _cost(low), _cost(high)
    return Estimate(
        provider=provider.label,
        tokens=Range(_tokens(low), _tokens(high)),
        usd=None if cheapest is None or dearest is None else Range(cheapest, dearest),
    )


def first_and_last(new: NewConversation, provider: Provider) -> tuple[Call, Call]:
    """What has to be set aside before the first turn, for it and for a judgement after it."""
    agent = PANELS[new.panel].speakers[0]
    prompt = builder.build(Task(agent, 1, _question(new), []), provider)
    longest = longest_answer(provider, prompt.sampling)
    first = Call(
        provider.kind, provider.model, min(prompt.tokens, settings.OUTCRY_MAX_PROMPT_TOKENS), longest
    )
    return first, replace(first, input_tokens=first.input_tokens + longest)


def _calls(new: NewConversation, provider: Provider, length: Length) -> Iterator[Call]:
    """Each turn's call, with answers of that length."""
    question = _question(new)
    said: list[Spoken] = []
    for round_, agent in _turns(new):
        prompt = builder.build(Task(agent, round_, question, said), provider)
        answer = min(length.said + length.thought, longest_answer(provider, prompt.sampling))
        yield Call(
            provider.kind, provider.model, min(prompt.tokens, settings.OUTCRY_MAX_PROMPT_TOKENS), answer
        )
        text = "word " * (min(length.said, answer) * CHARACTERS_PER_TOKEN // len("word "))
        said.append(Spoken(agent.role, agent.name, round_, text))


def _turns(new: NewConversation) -> Iterator[tuple[int, Agent]]:
    panel = PANELS[new.panel]
    for round_ in range(1, new.rounds + 1):
        for agent in panel.speakers:
            yield round_, agent
    yield new.rounds, panel.moderator


def _question(new: NewConversation) -> Question:
    return Question(new.topic, new.content, new.content_type, new.rounds)


def _tokens(calls: list[Call]) -> int:
    return sum(call.input_tokens + call.output_tokens for call in calls)


def _cost(calls: list[Call]) -> float | None:
    prices = [pricing.cost(call.provider, call.model, call.most) for call in calls]
    known = [price for price in prices if price is not None]
    return sum(known) if len(known) == len(prices) else None
