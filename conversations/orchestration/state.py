"""What a debate consists of so far. Recovery rebuilds it from the log; the debate's turns add to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final
from uuid import UUID

from conversations.domain.enums import Kind, Mode, Status
from conversations.domain.events import AgentMessage, StatusChanged
from conversations.domain.human_input import Question
from conversations.domain.panels import Agent, Panel
from conversations.orchestration.verdict import Verdict
from conversations.prompts.builder import DebateQuestion
from conversations.providers.catalog import Provider

# The `reason` of a debate that its budget has ended.
BUDGET: Final = "budget"


@dataclass
class DebateState:
    """`messages` are the finished ones, in order. `unfinished` are messages that a run before left unfinished and that
    are spoken again; `discarded` counts the other discarded messages that may have been billed.

    `own_question` is what the agent whose turn it is has asked. `is_demo`: a message has come, or comes, from the demo,
    and so does the rest. `is_judged`: the verdict is stored, and only the end is missing. `reason` says why the debate
    is closed early. `answered` is the seq of the newest remark that a finished turn has answered; None until known."""

    question: DebateQuestion
    panel: Panel
    providers: Sequence[Provider]
    messages: list[AgentMessage] = field(default_factory=list)
    unfinished: Sequence[UUID] = ()
    discarded: int = 0
    own_question: Question | None = None
    is_demo: bool = False
    is_judged: bool = False
    reason: str | None = None
    verdict: Verdict | None = None
    answered: int | None = None
    last_provider: Provider | None = None

    @property
    def mode(self) -> Mode:
        """Demo from the first message on that is one."""
        modes = {self.providers[0].mode, *(message.mode for message in self.messages)}
        return Mode.DEMO if self.is_demo or Mode.DEMO in modes else Mode.LIVE

    def status(self, status: Status) -> StatusChanged:
        """The event that the debate is now in `status`."""
        return StatusChanged(status=status, mode=self.mode, reason=self.reason)

    def remaining(self) -> Iterator[tuple[int, Agent, Kind]]:
        """The turns to come: (round, agent, kind), in order."""
        return islice(self._turns(), len(self.messages), None)

    def judgement(self) -> tuple[int, Agent, Kind]:
        """The moderator's turn."""
        return self.question.rounds, self.panel.moderator, Kind.FINAL

    def candidates(self) -> Sequence[Provider]:
        """The providers that may speak. After a demo's message only the demo may: the two are not mixed."""
        demos = [provider for provider in self.providers if provider.mode is Mode.DEMO]
        return demos if demos and self.mode is Mode.DEMO else self.providers

    def previous_provider(self) -> Provider:
        """The provider of the message before, or the preferred one."""
        if self.last_provider is not None:
            return self.last_provider
        if self.messages:
            last = self.messages[-1]
            for provider in self.providers:
                if (provider.kind, provider.model) == (last.provider, last.model):
                    return provider
        return self.providers[0]

    def _turns(self) -> Iterator[tuple[int, Agent, Kind]]:
        for round_ in range(1, self.question.rounds + 1):
            for agent in self.panel.speakers:
                yield round_, agent, Kind.ANALYSIS
        yield self.judgement()
