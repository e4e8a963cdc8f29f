"""The messages, answers and commands of people in a conversation, as a fold of its log. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from conversations.domain.enums import Action
from conversations.domain.events import Control, HumanMessage, InputExpired, InputRequest, MessageStart, load


@dataclass
class Question:
    """An agent's question to a person. `answer` is None while it is open and after it has expired. `skipped`: it has
    expired because a person wanted no more of it."""

    asked: InputRequest
    answer: HumanMessage | None = None
    expired: bool = False
    skipped: bool = False

    @property
    def is_open(self) -> bool:
        return self.answer is None and not self.expired


@dataclass(frozen=True)
class Remark:
    """A person's message, event `seq`. `place` is the number of finished messages that began before it; `question` is
    the question that it answers, or None; `to` is the role of the agent that is to answer it, or None."""

    seq: int
    author: str
    text: str
    place: int
    question: Question | None = None
    to: str | None = None


@dataclass
class HumanInput:
    """A fold of people's events, and of agents' questions and message starts. `head` is the seq of the last event
    taken."""

    TYPES: ClassVar = ("control", "human_message", "input_expired", "input_request", "message_start")

    head: int = 0
    paused: bool = False
    cancelled: bool = False
    concluded: bool = False
    questions: dict[UUID, Question] = field(default_factory=dict)
    _begun: dict[UUID, int] = field(default_factory=dict)
    _messages: list[tuple[int, HumanMessage]] = field(default_factory=list)

    def take(self, seq: int, type_: str, data: Mapping[str, Any]) -> None:
        """Apply the next event; an event of another type changes only the head."""
        if seq <= self.head:
            return
        self.head = seq
        match event := load(type_, data):
            case Control(action=Action.CANCEL):
                self.cancelled = True
            case Control(action=Action.PAUSE | Action.RESUME):
                self.paused = event.action is Action.PAUSE
            case Control(action=Action.CONCLUDE):
                # A pause would delay what is asked for.
                self.concluded, self.paused = True, False
            case HumanMessage():
                self._messages.append((seq, event))
                if event.reply_to in self.questions:
                    self.questions[event.reply_to].answer = event
            case InputRequest():
                self.questions[event.request] = Question(event)
            case InputExpired():
                question = self.questions[event.request]
                question.expired, question.skipped = True, event.actor is not None
            case MessageStart():
                self._begun[event.message] = seq

    def remarks(self, standing: Sequence[UUID]) -> list[Remark]:
        """People's messages, in order, each with its place among the finished messages `standing`."""
        begun = [self._begun[message] for message in standing] if self._messages else []
        return [
            Remark(
                seq,
                message.author,
                message.text,
                place=sum(start < seq for start in begun),
                question=self.questions.get(message.reply_to) if message.reply_to else None,
                to=message.to,
            )
            for seq, message in self._messages
        ]

    def question_after(self, standing: Sequence[UUID]) -> Question | None:
        """The newest question of an interrupted turn: it was asked after the last of the finished messages `standing`
        began, and in none of them."""
        last = self._begun[standing[-1]] if standing else 0
        cut = [
            question
            for question in self.questions.values()
            if question.asked.message not in standing and self._begun[question.asked.message] > last
        ]
        return cut[-1] if cut else None


def unanswered(
    remarks: Sequence[Remark], role: str, heard: Mapping[str, int], *, is_last: bool
) -> list[Remark]:
    """The remarks that the agent of this role has to answer in the next turn: those to it, and those to nobody that no
    agent has heard. `heard` has, by role, the seq of the newest remark before the agent's last finished turn. The
    agent with the last turn also takes those whose addressee had no turn after them."""

    def has_answered(remark: Remark) -> bool:
        if remark.to is None:
            return remark.seq <= max(heard.values(), default=0)
        return remark.seq <= heard.get(remark.to, 0)

    open_ = [remark for remark in remarks if remark.question is None and not has_answered(remark)]
    return [remark for remark in open_ if is_last or remark.to in {None, role}]
