"""The debate: turn after turn, as an async generator of our events. It knows neither database nor sockets."""

import uuid
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

from ag2 import ResponseSchema

from conversations import pricing, prompts, transcript
from conversations import verdict as verdicts
from conversations.errors import ProviderError
from conversations.events import (
    AgentMessage,
    Complete,
    CostSummary,
    EventData,
    InputRequest,
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
from conversations.people import People, Remark
from conversations.people import Question as Asked
from conversations.prompts import Question, Spoken, Task
from conversations.providers import Provider
from conversations.turn import Answer, Limits, Turn
from conversations.verdict import Verdict


class Audience(Protocol):
    """The people around a debate, as its run knows them."""

    async def edge(self) -> People:
        """What people have told so far, as soon as a turn may begin."""

    async def answer(self, request: UUID) -> Asked:
        """What became of a question that has been told: its answer, or that its time was over."""


class NoAudience:
    """Nobody is there."""

    async def edge(self) -> People:
        return People()

    async def answer(self, request: UUID) -> Asked:
        raise NotImplementedError("There is nobody to answer.")


@dataclass
class Debate:
    """One debate. `said` is what has been said so far: give it what the log holds to go on from there.

    `unfinished` are messages that were begun and will be spoken again, `discarded` how many were before them; `asked`
    is what was asked in the turn that was cut. With `judged` the verdict is given, and only the end is missing."""

    question: Question
    panel: Panel
    provider: Provider
    limits: Limits
    said: list[AgentMessage] = field(default_factory=list)
    unfinished: Sequence[UUID] = ()
    judged: bool = False
    discarded: int = 0
    asked: Asked | None = None
    audience: Audience = field(default_factory=NoAudience)
    _offered: int = 0
    _heard: int | None = None

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
        if self.asked is not None and self.asked.is_open:
            yield StatusChanged(status=Status.AWAITING_INPUT, mode=mode)
            self.asked = await self.audience.answer(self.asked.asked.request)
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
        turn, start = await self._begin(agent, round_, kind)
        try:
            async with aclosing(self._utter(turn, start)) as events:
                async for event in events:
                    yield event
        except ProviderError as failure:
            if not (turn.was_held and failure.retryable):
                raise
            # The provider was kept waiting, by a pause or by the log, and did not wait: not its fault. Once.
            yield MessageDiscard(message=start.message, reason="interrupted")
            self.discarded += 1
            turn, start = await self._begin(agent, round_, kind)
            async with aclosing(self._utter(turn, start)) as events:
                async for event in events:
                    yield event
        answer = _finished(turn)
        yield self._end(start, answer, answer.text, None)

    async def _utter(self, turn: Turn, start: MessageStart) -> AsyncGenerator[EventData, None]:
        """A message from its start to before its end; in between its agent may ask, and gets what becomes of it."""
        yield start
        async with aclosing(turn.events()) as events:
            async for event in events:
                yield event
                if isinstance(event, InputRequest):
                    yield StatusChanged(status=Status.AWAITING_INPUT, mode=self.mode)
                    self.asked = await self.audience.answer(event.request)
                    yield StatusChanged(status=Status.ACTIVE, mode=self.mode)
                    turn.answered(prompts.outcome(self.asked))

    async def _judge(self) -> AsyncGenerator[EventData, None]:
        rounds = self.question.rounds
        turn, start = await self._begin(
            self.panel.moderator, rounds, Kind.FINAL, verdicts.schema(self.provider)
        )
        async with aclosing(self._utter(turn, start)) as events:
            async for event in events:
                yield event
        answer = _finished(turn)
        verdict = verdicts.read(answer.value)
        confidence = verdict.confidence if verdict and self.mode is Mode.LIVE else None
        yield self._end(start, answer, verdict.summary if verdict else answer.text, confidence)
        yield self._complete(verdict)

    async def _begin(
        self, agent: Agent, round_: int, kind: Kind, schema: ResponseSchema[Any] | None = None
    ) -> tuple[Turn, MessageStart]:
        people = await self.audience.edge()
        remarks = people.remarks([said.message for said in self.said])
        spoken = [Spoken(said.role, said.agent, said.round, said.content) for said in self.said]
        message = uuid.uuid4()
        task = Task(agent, round_, self.question, spoken, remarks, self._unanswered(remarks), self.asked)
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

    def _unanswered(self, remarks: Sequence[Remark]) -> list[Remark]:
        """What people said to the panel and no finished turn has heard. Those that had come before the last finished
        turn began have been."""
        if self._heard is None:
            before = [remark.seq for remark in remarks if remark.place < len(self.said)]
            self._heard = max(before, default=0)
        self._offered = max((remark.seq for remark in remarks), default=0)
        return [remark for remark in remarks if remark.question is None and remark.seq > self._heard]

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
            token_count=answer.tokens,
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
        self.asked, self._heard = None, self._offered
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
