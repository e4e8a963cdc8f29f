"""What people have told a conversation, as its log has it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from conversations.domain.enums import Action
from conversations.domain.events import Control, HumanMessage, InputExpired, InputRequest, MessageStart


@dataclass
class Question:
    """An agent's question to a person. `answer` is None while it is open and after it has expired."""

    asked: InputRequest
    answer: HumanMessage | None = None
    expired: bool = False

    @property
    def is_open(self) -> bool:
        return self.answer is None and not self.expired


@dataclass(frozen=True)
class Remark:
    """Something a person said, as event `seq`. `place` is how many of the messages that stand were begun before it;
    `question` is what it answers, or None where nobody had asked."""

    seq: int
    author: str
    text: str
    place: int
    question: Question | None = None


@dataclass
class HumanInput:
    """The fold of the events that people cause, and of those they answer to. `head` is the newest seq it knows of."""

    TYPES: ClassVar = ("control", "human_message", "input_expired", "input_request", "message_start")

    head: int = 0
    paused: bool = False
    cancelled: bool = False
    questions: dict[UUID, Question] = field(default_factory=dict)
    _begun: dict[UUID, int] = field(default_factory=dict)
    _said: list[tuple[int, HumanMessage]] = field(default_factory=list)

    def take(self, seq: int, type_: str, data: Mapping[str, Any]) -> None:
        """Apply the next event; those of other types change nothing but the head."""
        if seq <= self.head:
            return
        self.head = seq
        match type_:
            case "control":
                self._obey(Control.model_validate(data).action)
            case "human_message":
                said = HumanMessage.model_validate(data)
                self._said.append((seq, said))
                if said.reply_to in self.questions:
                    self.questions[said.reply_to].answer = said
            case "input_request":
                asked = InputRequest.model_validate(data)
                self.questions[asked.request] = Question(asked)
            case "input_expired":
                self.questions[InputExpired.model_validate(data).request].expired = True
            case "message_start":
                self._begun[MessageStart.model_validate(data).message] = seq

    def remarks(self, standing: Sequence[UUID]) -> list[Remark]:
        """What was said, in order, each placed among the messages that stand."""
        begun = [self._begun[message] for message in standing] if self._said else []
        return [
            Remark(
                seq,
                said.author,
                said.text,
                place=sum(start < seq for start in begun),
                question=self.questions.get(said.reply_to) if said.reply_to else None,
            )
            for seq, said in self._said
        ]

    def question_after(self, standing: Sequence[UUID]) -> Question | None:
        """What was asked in a turn that was cut: the newest question asked in none of the messages that stand, since
        the last of them."""
        last = self._begun[standing[-1]] if standing else 0
        cut = [
            question
            for question in self.questions.values()
            if question.asked.message not in standing and self._begun[question.asked.message] > last
        ]
        return cut[-1] if cut else None

    def _obey(self, action: Action) -> None:
        match action:
            case Action.PAUSE:
                self.paused = True
            case Action.RESUME:
                self.paused = False
            case Action.CANCEL:
                self.cancelled = True
