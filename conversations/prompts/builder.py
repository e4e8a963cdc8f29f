"""What a speaker is told before its turn. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from conversations.domain.human_input import Question as Asked
from conversations.domain.human_input import Remark
from conversations.domain.panels import Agent
from conversations.prompts import small_model
from conversations.providers.catalog import Provider

# A prompt's size before the provider has counted it; English has about four characters a token.
CHARACTERS_PER_TOKEN = 4
# Of a remark that stands whole in what the speaker has heard, this much is said again where it is asked to answer.
MAX_QUOTE = 300
# Of a remark that was answered in an earlier turn: every later prompt carries it.
MAX_ANSWERED = 600
# Kinds of providers whose models cannot call tools.
_WITHOUT_TOOLS = frozenset({"local", "demo"})

# What a text may not do: begin a line as a speaker's words begin, or end the place that is marked off for the content.
_LABEL = re.compile(r"(^|[\r\v\f\x85\u2028\u2029])([^\S\n]*)\[([^\[\]\n]*)\]\s*:", re.MULTILINE)
_MARK = re.compile(r"<(?=\s*/?\s*content\b)", re.IGNORECASE)

_CONTENT_NAMES = {
    "text": "Content",
    "news": "News article",
    "earnings": "Earnings report",
    "filing": "Regulatory filing",
    "research": "Research note",
}


@dataclass(frozen=True)
class Question:
    """What the debate is about."""

    topic: str
    content: str
    content_type: str
    rounds: int


@dataclass(frozen=True)
class Spoken:
    """A finished message of the debate."""

    role: str
    name: str
    round: int
    text: str


@dataclass(frozen=True)
class Task:
    """A turn: who speaks, in which round, on what, after whom.

    `remarks` are what people said in between, and those in `unanswered` what nobody has answered yet. `asked` is what
    the agent asked in this turn before it was cut, and is speaking again."""

    agent: Agent
    round: int
    question: Question
    spoken: Sequence[Spoken]
    remarks: Sequence[Remark] = ()
    unanswered: Sequence[Remark] = ()
    asked: Asked | None = None

    def may_ask(self, provider: Provider) -> bool:
        """Whether its agent may put a question to a person: at most one a turn."""
        return self.agent.may_ask and self.asked is None and provider.kind not in _WITHOUT_TOOLS


@dataclass(frozen=True)
class Message:
    """One message of a prompt's history: the agent's own (`assistant`), or what it is given to read (`user`)."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class Prompt:
    """`history` are the messages before this turn, oldest first; `message` asks for the turn. `sampling` are keyword
    arguments for the provider's AG2 configuration."""

    system: str
    history: Sequence[Message]
    message: str
    sampling: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """An estimate of its size."""
        texts = (self.system, self.message, *(message.text for message in self.history))
        return sum(map(len, texts)) // CHARACTERS_PER_TOKEN


def build(task: Task, provider: Provider) -> Prompt:
    """The prompt for a turn. A very small model gets a short one of its own."""
    return _short(task) if provider.kind == "local" else _full(task)


def _full(task: Task) -> Prompt:
    # The question by itself: where the history is too long, it is what stays.
    history = [_user(_opening(task.question))]
    for place, spoken in enumerate(task.spoken):
        history += map(_user, _remarks(task, place))
        if spoken.role == task.agent.role:
            history.append(Message("assistant", spoken.text))
        else:
            history.append(_user(f"[{spoken.name}]: {_unlabelled(spoken.text)}"))
    history += map(_user, _remarks(task, len(task.spoken)))
    return Prompt(task.agent.instructions, history, _request(task))


def _user(text: str) -> Message:
    return Message("user", text)


def _remarks(task: Task, place: int) -> list[str]:
    """What people said after that many messages, under their names."""
    said = []
    for remark in task.remarks:
        if remark.place != place or (remark.question is not None and remark.question is task.asked):
            continue
        asked = "" if remark.question is None else f", asked by {remark.question.asked.agent}"
        text = remark.text if remark in task.unanswered else _cut(remark.text, MAX_ANSWERED)
        said.append(f"[{remark.author}{asked}]: {_unlabelled(text)}")
    return said


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _unlabelled(text: str) -> str:
    """The text, in which no line looks like somebody else's words."""
    return _LABEL.sub(r"\1\2(\3):", text)


def _quoted(text: str) -> str:
    """The text between quotation marks, which it cannot end."""
    return '"{}"'.format(_unlabelled(text).replace('"', "'"))


def _opening(question: Question) -> str:
    opening = f"The question of the debate: {' '.join(question.topic.split())}"
    if question.content:
        # Marked off, because it is material to argue about and not a word of ours.
        name = _CONTENT_NAMES[question.content_type]
        content = _MARK.sub("(", _unlabelled(question.content))
        opening += f"\n\n{name}, given by the person who asks:\n<content>\n{content}\n</content>"
    return opening


def _request(task: Task) -> str:
    if not task.agent.streaming:
        request = "The debate is over. Give your judgement of it."
        return "\n\n".join([request, *(_unanswered(remark, "Weigh it.") for remark in task.unanswered)])
    others = any(spoken.role != task.agent.role for spoken in task.spoken)
    answer = " Answer the others' strongest points by name, and add what they left out." if others else ""
    request = f"Round {task.round} of {task.question.rounds}. It is your turn, {task.agent.name}.{answer}"
    answers = [_unanswered(remark, f"Answer {remark.author} first.") for remark in task.unanswered]
    return "\n\n".join([request, *_asked(task), *answers])


def _asked(task: Task) -> list[str]:
    if task.asked is None:
        return []
    return [told(task.asked.asked.prompt, outcome(task.asked))]


def told(question: str, outcome: str) -> str:
    """What an agent has asked in this turn, and what became of it."""
    return (
        f"You have asked the person who started this debate: {_quoted(question)} {outcome} Do not ask again."
    )


def outcome(asked: Asked) -> str:
    """What became of a question, for the agent who asked it."""
    if asked.answer is None:
        return "Nobody answered in time; go on without an answer."
    return f"{asked.answer.author} answered: {_quoted(asked.answer.text)}"


def _unanswered(remark: Remark, request: str) -> str:
    quote = _cut(" ".join(remark.text.split()), MAX_QUOTE)
    return f"{remark.author} has just said to the panel: {_quoted(quote)} {request}"


def _short(task: Task) -> Prompt:
    if task.agent.streaming:
        last = (task.spoken[-1].name, task.spoken[-1].text) if task.spoken else None
        newest = task.unanswered[-1] if task.unanswered else None
        short = small_model.speaker_prompt(
            task.agent.role,
            task.question.topic,
            task.question.content,
            task.round,
            last,
            remark=(newest.author, newest.text) if newest else None,
        )
        return Prompt(short.system, (), short.user, small_model.speaker_sampling(short))
    short = small_model.moderator_prompt(task.question.topic, _in_order(task))
    return Prompt(short.system, (), short.user, small_model.VERDICT_SAMPLING)


def _in_order(task: Task) -> list[tuple[str, str]]:
    """Names and texts of all that was said, people's among them."""
    said = []
    for place in range(len(task.spoken) + 1):
        said += [(remark.author, remark.text) for remark in task.remarks if remark.place == place]
        said += [(spoken.name, spoken.text) for spoken in task.spoken[place : place + 1]]
    return said
