"""Estimates a debate's cost before it starts, from its real prompts, turn by turn, and answers of typical lengths."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil, floor
from typing import Final, Generic, TypeVar

from conversations.domain.budget_guard import Call, verdict_beyond, verdict_of
from conversations.domain.errors import InvalidInput, Problem, TooLongForModel
from conversations.domain.panels import Agent, Panel
from conversations.domain.requests import NewConversation
from conversations.domain.sources import SourceText
from conversations.prompts import builder, material, small_model, supervisor, tokens
from conversations.prompts.builder import Prompt, Task
from conversations.prompts.earlier import EarlierDebate
from conversations.prompts.material import DebateQuestion
from conversations.prompts.spoken import Spoken
from conversations.providers import catalog, pricing
from conversations.providers.catalog import BUILT_IN, Provider, longest_answer
from conversations.providers.windows import most_prompt_tokens
from conversations.runs import gathering, records
from conversations.runs.gathering import Known

N = TypeVar("N", int, float)


@dataclass(frozen=True)
class Length:
    """Tokens of an answer: of its text, and of the reasoning before it, which is billed but not shown."""

    text: int
    reasoning: int = 0


# Prompts ask for at most 180 words, about 240 tokens. Many answers have a third of that, some 1.5 times as many, and
# reasoning models take about four times as many in addition.
SHORT: Final = Length(80)
LONG: Final = Length(360, reasoning=1_000)
# The local model's grammars allow two or three sentences, and its answers are limited in tokens.
LOCAL_SHORT: Final = Length(30)
LOCAL_LONG: Final = Length(320)


@dataclass(frozen=True)
class Range(Generic[N]):
    """The total of a debate with short answers, and of one with long answers."""

    low: N
    high: N


@dataclass(frozen=True)
class Beginning:
    """What limits must allow for the first turn at the most, and a verdict right after it; `usd` as in Estimate."""

    tokens: int
    usd: float | None


@dataclass(frozen=True)
class Reading:
    """How much of content and sources the model is given that is given least. `characters` and `tokens`, the most by
    estimate, are what they have in all, and `read` is how many of the characters it is given. `most_tokens` is how many
    tokens would be given whole; None for what Outcry itself runs, which reads a fixed number of characters of any text.
    """

    characters: int
    tokens: int
    most_tokens: int | None
    read: int

    @property
    def is_too_long(self) -> bool:
        return self.most_tokens is not None and self.read < self.characters


@dataclass(frozen=True)
class Estimate:
    """`topic` is the question. `provider` has the labels of the providers that speak first; `usd` is None if the price
    of one is unknown, and 0 for what Outcry itself runs. Repeated turns are not included."""

    topic: str
    provider: str
    tokens: Range[int]
    usd: Range[float] | None
    reading: Reading
    to_begin: Beginning


def estimate(
    new: NewConversation,
    question: DebateQuestion,
    provider: Provider,
    team: Panel,
    *,
    is_supervised: bool = False,
) -> Estimate:
    """The estimate, assuming that the provider, or the one that an agent names, answers every turn, and no user sends
    messages. `is_supervised`: the supervisor is asked first which team answers."""
    low = [*_calls(new, question, provider, team, is_high=False)]
    high = [*_calls(new, question, provider, team, is_high=True)]
    if is_supervised:
        prompt = _prompt(supervisor.task(question), provider)
        low.append(_call(prompt, provider, SHORT, is_high=False))
        high.append(_call(prompt, provider, LONG, is_high=True))
    cheapest, dearest = _total_cost(low), _total_cost(high)
    begin = [*first_and_last(question, provider, team)]
    return Estimate(
        topic=new.topic,
        provider=", ".join(each.label for each in _speaking(team, provider)),
        tokens=Range(_total_tokens(low), _total_tokens(high)),
        usd=None if cheapest is None or dearest is None else Range(cheapest, dearest),
        reading=reading(question, provider, team),
        to_begin=Beginning(_total_tokens(begin), _total_cost(begin)),
    )


def reading(question: DebateQuestion, provider: Provider, team: Panel) -> Reading:
    """How much of the question's content and sources the team's model is given that is given least."""
    return min((_read(question, each) for each in _speaking(team, provider)), key=lambda found: found.read)


def _speaking(team: Panel, provider: Provider) -> list[Provider]:
    """The providers that the team's agents speak with first, each once."""
    return list(dict.fromkeys(_provider(agent, provider) for agent in team.agents))


def _provider(agent: Agent, provider: Provider) -> Provider:
    if agent.model is None:
        return provider
    return catalog.preferred(agent.model, [provider, *catalog.configured()])[0]


def _read(question: DebateQuestion, provider: Provider) -> Reading:
    if provider.kind in BUILT_IN:
        most, texts = None, material.beginnings(question, small_model.MAX_CONTENT)
    else:
        most = material.most_tokens(most_prompt_tokens(provider))
        _, texts = material.fitted(question, most)
    characters = sum(map(len, question.texts))
    read = sum(text.read for text in texts) if texts else characters
    return Reading(characters, material.tokens(question), most, read)


def require_fit(question: DebateQuestion, provider: Provider, team: Panel) -> None:
    """Raises TooLongForModel unless the team's models can be given the whole content and all sources."""
    for each in _speaking(team, provider):
        found = _read(question, each)
        if found.is_too_long:
            raise TooLongForModel.of(
                "sources" if question.sources else "content",
                "too_long_for_model",
                f"The text has about {found.tokens:,} tokens, and {each.label} can be given {found.most_tokens:,}."
                " Shorten it, or have it cut to its beginning (truncate).",
            )


def require_least(
    new: NewConversation,
    question: DebateQuestion,
    provider: Provider,
    team: Panel,
    *,
    is_supervised: bool = False,
) -> None:
    """Raises InvalidInput for each limit of the request that is lower than the estimate's least."""
    if new.max_tokens is None and new.max_usd is None:
        return
    least = estimate(new, question, provider, team, is_supervised=is_supervised)
    problems = []
    if new.max_tokens is not None and new.max_tokens < least.tokens.low:
        sentence = f"Enter {least.tokens.low:,} or more: this debate needs at least so many tokens."
        problems.append(Problem("max_tokens", "below_estimate", sentence))
    if new.max_usd is not None and least.usd is not None and new.max_usd < least.usd.low:
        # Rounded up, so that the amount named is accepted.
        cents = f"{ceil(least.usd.low * 1e6) / 1e6:.6f}".rstrip("0")
        sentence = f"Enter {cents} or more: this debate costs at least so many US dollars."
        problems.append(Problem("max_usd", "below_estimate", sentence))
    if problems:
        raise InvalidInput(problems)


def first_and_last(question: DebateQuestion, provider: Provider, team: Panel) -> tuple[Call, Call]:
    """The calls that the budget must allow before a debate starts: its first turn at the most, and a verdict right
    after it."""
    agent, last = team.speakers[0], team.agents[-1]
    by_default, provider = provider, _provider(agent, provider)
    task = Task(agent, 1, question, [])
    prompt = _prompt(task, provider)
    longest = longest_answer(provider, prompt.sampling)
    offered = len(task.tools(provider)) + task.may_ask(provider)
    most = tokens.most([prompt.system, *prompt.told]) + offered * tokens.TOOL_BYTES
    first = Call(provider.kind, provider.model, most, longest)
    beyond = verdict_beyond(first, ceil(prompt.tokens.high))
    if last.model == agent.model:
        return first, beyond
    judge = _provider(last, by_default)
    return first, verdict_of(beyond, first, judge.kind, judge.model)


def _calls(
    new: NewConversation, question: DebateQuestion, by_default: Provider, team: Panel, *, is_high: bool
) -> Iterator[Call]:
    """The call of each turn, if answers are long and prompts have many tokens for their texts, or the opposite."""
    rounds = new.rounds if team.has_rounds else 1
    turns = [(round_, agent) for round_ in range(1, rounds + 1) for agent in team.speakers]
    if team.moderator is not None:
        turns.append((new.rounds, team.moderator))
    spoken: list[Spoken] = []
    for round_, agent in turns:
        provider = _provider(agent, by_default)
        length = _length(provider, is_high=is_high)
        prompt = _prompt(Task(agent, round_, question, spoken), provider)
        call = _call(prompt, provider, length, is_high=is_high)
        yield call
        # The moderator is given the items that were cited.
        cites = "".join(f"[{id_}]" for id_ in prompt.items) if is_high else ""
        spoken.append(Spoken(agent.role, agent.name, "word " * min(length.text, call.output_tokens) + cites))


def _length(provider: Provider, *, is_high: bool) -> Length:
    if provider.kind == "local":
        return LOCAL_LONG if is_high else LOCAL_SHORT
    return LONG if is_high else SHORT


def _call(prompt: Prompt, provider: Provider, length: Length, *, is_high: bool) -> Call:
    asked = ceil(prompt.tokens.high) if is_high else floor(prompt.tokens.low)
    answer = min(length.text + length.reasoning, longest_answer(provider, prompt.sampling))
    return Call(provider.kind, provider.model, asked, answer)


def _prompt(task: Task, provider: Provider) -> Prompt:
    return builder.build(task, provider, most_prompt_tokens(provider))


def question_of(
    new: NewConversation,
    earlier: EarlierDebate | None = None,
    sources: Sequence[SourceText] = (),
    known: Known | None = None,
) -> DebateQuestion:
    """What the debate is about, as its prompts have it; `earlier` is the debate that it follows. `known` is what is
    known of its instrument; None: what the library has."""
    known = known or Known(gathering.named(new.instrument))
    record = records.of(known, new.as_of or datetime.now(UTC), new.content, sources)
    return DebateQuestion(
        new.topic, new.content, new.content_type, new.rounds, earlier, tuple(sources), record
    )


def _total_tokens(calls: list[Call]) -> int:
    return sum(call.input_tokens + call.output_tokens for call in calls)


def _total_cost(calls: list[Call]) -> float | None:
    prices = [pricing.cost(call.provider, call.model, call.most) for call in calls]
    known = [price for price in prices if price is not None]
    return sum(known) if len(known) == len(prices) else None
