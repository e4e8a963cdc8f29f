"""What a speaker is told before its turn. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ag2.events import BaseEvent, ModelMessage, ModelRequest, ModelResponse, TextInput

from conversations import local_profile
from conversations.panels import Agent
from conversations.providers import Provider

# A prompt's size before the provider has counted it; English has about four characters a token.
CHARACTERS_PER_TOKEN = 4

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
    """A turn: who speaks, in which round, on what, after whom."""

    agent: Agent
    round: int
    question: Question
    spoken: Sequence[Spoken]


@dataclass(frozen=True)
class Prompt:
    """`history` is what the agent said and heard, as AG2 keeps it; `message` asks for the turn. `sampling` are
    keyword arguments for the provider's AG2 configuration."""

    system: str
    history: Sequence[BaseEvent]
    message: str
    sampling: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """An estimate of its size."""
        said = (self.system, self.message, *map(_text, self.history))
        return sum(map(len, said)) // CHARACTERS_PER_TOKEN


def build(task: Task, provider: Provider) -> Prompt:
    """The prompt for a turn. A very small model gets a short one of its own."""
    return _short(task) if provider.kind == "local" else _full(task)


def _full(task: Task) -> Prompt:
    history: list[BaseEvent] = []
    heard = [_opening(task.question)]
    for spoken in task.spoken:
        if spoken.role == task.agent.role:
            history += [
                ModelRequest([TextInput("\n\n".join(heard))]),
                ModelResponse(ModelMessage(spoken.text)),
            ]
            heard = []
        else:
            heard.append(f"[{spoken.name}]: {spoken.text}")
    return Prompt(task.agent.instructions, history, "\n\n".join([*heard, _request(task)]))


def _opening(question: Question) -> str:
    opening = f"The question of the debate: {question.topic}"
    if question.content:
        # Marked off, because it is material to argue about and not a word of ours.
        name = _CONTENT_NAMES[question.content_type]
        opening += f"\n\n{name}, given by the person who asks:\n<content>\n{question.content}\n</content>"
    return opening


def _request(task: Task) -> str:
    if not task.agent.streaming:
        return "The debate is over. Give your judgement of it."
    others = any(spoken.role != task.agent.role for spoken in task.spoken)
    answer = " Answer the others' strongest points by name, and add what they left out." if others else ""
    return f"Round {task.round} of {task.question.rounds}. It is your turn, {task.agent.name}.{answer}"


def _short(task: Task) -> Prompt:
    if task.agent.streaming:
        last = (task.spoken[-1].name, task.spoken[-1].text) if task.spoken else None
        short = local_profile.speaker_prompt(
            task.agent.role, task.question.topic, task.question.content, task.round, last
        )
        return Prompt(short.system, (), short.user, local_profile.speaker_sampling(short))
    said = [(spoken.name, spoken.text) for spoken in task.spoken]
    short = local_profile.moderator_prompt(task.question.topic, said)
    return Prompt(short.system, (), short.user, local_profile.VERDICT_SAMPLING)


def _text(event: BaseEvent) -> str:
    match event:
        case ModelRequest(parts=parts):
            return "".join(part.content for part in parts if isinstance(part, TextInput))
        case ModelResponse():
            return event.content or ""
    return ""
