"""The debate: turn after turn, as an async generator of our events. It knows neither database nor sockets."""

import uuid
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from ag2 import ResponseSchema

from conversations import pricing, transcript
from conversations import verdict as verdicts
from conversations.events import (
    AgentMessage,
    Complete,
    CostSummary,
    EventData,
    Kind,
    MessageDiscard,
    MessageStart,
    Mode,
    Routing,
    Stance,
    Status,
    StatusChanged,
)
from conversations.panels import Agent, Panel
from conversations.prompts import Question, Spoken, Task
from conversations.providers import Provider
from conversations.turn import Answer, Limits, Turn
from conversations.verdict import Verdict


@dataclass
class Debate:
    """One debate. `said` is what has been said so far: give it what the log holds to go on from there.

    `unfinished` are messages that were begun and will be spoken again, `discarded` how many were before them; with
    `judged` the verdict is given, and only the end is missing."""

    question: Question
    panel: Panel
    provider: Provider
    limits: Limits
    said: list[AgentMessage] = field(default_factory=list)
    unfinished: Sequence[UUID] = ()
    judged: bool = False
    discarded: int = 0

    @property
    def mode(self) -> Mode:
        """Demo as soon as one message is: an installation may have changed its provider in between."""
        modes = {self.provider.mode, *(message.mode for message in self.said)}
        return Mode.DEMO if Mode.DEMO in modes else Mode.LIVE

    async def events(self) -> AsyncGenerator[EventData, None]:
        """Every event from `initializing` to `completed`. Raises ProviderError when a turn fails."""
        mode = self.mode
        yield StatusChanged(status=Status.INITIALIZING, mode=mode)
        for message in self.unfinished:
            yield MessageDiscard(message=message, reason="interrupted")
        if not self.said:
            yield Routing(panel=self.panel.slug, reason="chosen_at_start")
        yield StatusChanged(status=Status.ACTIVE, mode=mode)
        for round_, agent in islice(self._turns(), len(self.said), None):
            async with aclosing(self._speak(agent, round_, Kind.ANALYSIS)) as turn:
                async for event in turn:
                    yield event
        if not self.judged:
            async with aclosing(self._judge()) as turn:
                async for event in turn:
                    yield event
        yield StatusChanged(status=Status.COMPLETED, mode=mode)

    def _turns(self) -> Iterator[tuple[int, Agent]]:
        for round_ in range(1, self.question.rounds + 1):
            for agent in self.panel.speakers:
                yield round_, agent

    async def _speak(self, agent: Agent, round_: int, kind: Kind) -> AsyncGenerator[EventData, None]:
        turn, start = self._begin(agent, round_, kind)
        yield start
        async with aclosing(turn.events()) as events:
            async for event in events:
                yield event
        answer = _finished(turn)
        yield self._end(start, answer, answer.text, None)

    async def _judge(self) -> AsyncGenerator[EventData, None]:
        moderator = self.panel.moderator
        turn, start = self._begin(moderator, self.question.rounds, Kind.FINAL, verdicts.schema(self.provider))
        yield start
        async with aclosing(turn.events()) as events:
            async for event in events:
                yield event
        answer = _finished(turn)
        verdict = verdicts.read(answer.value)
        confidence = verdict.confidence if verdict and self.mode is Mode.LIVE else None
        yield self._end(start, answer, verdict.summary if verdict else answer.text, confidence)
        yield self._complete(verdict)

    def _begin(
        self, agent: Agent, round_: int, kind: Kind, schema: ResponseSchema[Any] | None = None
    ) -> tuple[Turn, MessageStart]:
        spoken = [Spoken(said.role, said.agent, said.round, said.content) for said in self.said]
        message = uuid.uuid4()
        task = Task(agent, round_, self.question, spoken)
        start = MessageStart(
            message=message,
            agent=agent.name,
            role=agent.role,
            kind=kind,
            round=round_,
            model=self.provider.model,
            provider=self.provider.kind,
            mode=self.provider.mode,
            streaming=agent.streaming,
        )
        return Turn(task, self.provider, message, self.limits, schema), start

    def _end(
        self, start: MessageStart, answer: Answer, content: str, confidence: float | None
    ) -> AgentMessage:
        message = AgentMessage(
            message=start.message,
            agent=start.agent,
            role=start.role,
            kind=start.kind,
            round=start.round,
            content=content,
            confidence=confidence,
            usage=answer.usage,
            cost=pricing.cost(start.provider, start.model, answer.usage),
            model=start.model,
            provider=start.provider,
            mode=start.mode,
            finish_reason=answer.finish_reason,
            duration_ms=answer.duration_ms,
        )
        self.said.append(message)
        return message

    def _complete(self, verdict: Verdict | None) -> Complete:
        reason = None
        if self.mode is Mode.DEMO:
            # A script has no opinion, whatever its text says.
            reason = "demo"
        elif verdict is None:
            reason = "invalid_answer"
        stated = {} if verdict is None else asdict(verdict)
        stance = stated.pop("stance", None)
        if reason is not None:
            stance, stated = Stance.NO_VERDICT, {**stated, "confidence": None}
        return Complete(
            verdict=stance,
            **stated,
            reason=reason,
            cost_summary=_cost_summary(self.said, self.discarded + len(self.unfinished)),
            mode=self.mode,
            transcript_sha256=transcript.digest(self.said),
        )


def _finished(turn: Turn) -> Answer:
    # `events()` either raises or ends with the answer in place.
    assert turn.answer is not None  # noqa: S101
    return turn.answer


def _cost_summary(messages: Sequence[AgentMessage], discarded: int) -> CostSummary:
    """What all that was spoken cost. A message that was discarded half way was paid for, and nobody said how much."""
    costs = [message.cost for message in messages] + [None] * discarded
    known = [cost for cost in costs if cost is not None]
    return CostSummary(
        usd=sum(known) if len(known) == len(costs) else None,
        priced_messages=len(known),
        unpriced_messages=len(costs) - len(known),
        input_tokens=_total([message.usage.input_tokens for message in messages] + [None] * discarded),
        output_tokens=_total([message.usage.output_tokens for message in messages] + [None] * discarded),
    )


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
