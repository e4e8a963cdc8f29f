"""The debate: turn after turn, as an async generator of our events. It knows neither database nor sockets."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Final, Protocol
from uuid import UUID

from conversations.agents.turn import Answer, Limits, Turn
from conversations.domain import transcript
from conversations.domain.budget_guard import BudgetGuard, UnlimitedBudget
from conversations.domain.enums import Kind, Mode, Stance, Status
from conversations.domain.errors import OverBudget, ProviderError
from conversations.domain.events import (
    AgentMessage,
    Complete,
    CostSummary,
    EventData,
    InputRequest,
    MessageDiscard,
    MessageStart,
    Routing,
    StatusChanged,
)
from conversations.domain.human_input import HumanInput, Remark
from conversations.domain.human_input import Question as Asked
from conversations.domain.panels import Agent, Panel
from conversations.infrastructure import metrics
from conversations.orchestration import verdict as verdicts
from conversations.orchestration.verdict import Verdict
from conversations.prompts import builder
from conversations.prompts.builder import Question, Spoken, Task
from conversations.providers import pricing
from conversations.providers.catalog import Provider
from conversations.providers.failover import Failover
from conversations.providers.provider_errors import UNBILLED

# The reason of what a budget has ended.
BUDGET: Final = "budget"


class Audience(Protocol):
    """The people around a debate, as its run knows them."""

    async def edge(self) -> HumanInput:
        """What people have told so far, as soon as a turn may begin."""

    async def answer(self, request: UUID) -> Asked:
        """What became of a question that has been told: its answer, or that its time was over."""


class NoAudience:
    """Nobody is there."""

    async def edge(self) -> HumanInput:
        return HumanInput()

    async def answer(self, request: UUID) -> Asked:
        raise NotImplementedError("There is nobody to answer.")


@dataclass
class Debate:
    """One debate. `said` is what has been said so far: give it what the log holds to go on from there.

    Each turn is spoken by the first of `providers` that manages it, and paid for from `purse`; once one of them was the
    demo, the rest is, and `is_demo`. `unfinished` are messages that were begun and will be spoken again, `discarded`
    how many were before them and may have been billed; `asked` is what was asked in the turn that was cut. With
    `judged` the verdict is given, and only the end is missing. `reason` says why the debate is closed early."""

    question: Question
    panel: Panel
    providers: Sequence[Provider]
    limits: Limits
    said: list[AgentMessage] = field(default_factory=list)
    unfinished: Sequence[UUID] = ()
    judged: bool = False
    discarded: int = 0
    asked: Asked | None = None
    audience: Audience = field(default_factory=NoAudience)
    purse: BudgetGuard = field(default_factory=UnlimitedBudget)
    is_demo: bool = False
    reason: str | None = None
    _last: Provider | None = None
    _verdict: Verdict | None = None
    _offered: int = 0
    _heard: int | None = None

    @property
    def mode(self) -> Mode:
        """Demo from the first message on that is one."""
        modes = {self.providers[0].mode, *(message.mode for message in self.said)}
        return Mode.DEMO if self.is_demo or Mode.DEMO in modes else Mode.LIVE

    async def events(self) -> AsyncGenerator[EventData, None]:
        """Every event from `initializing` to `completed`. Raises ProviderError when nobody can speak a turn."""
        yield self._status(Status.INITIALIZING)
        for message in self.unfinished:
            yield MessageDiscard(message=message, reason="interrupted")
        if not self.said:
            yield Routing(panel=self.panel.slug, reason="chosen_at_start")
        if self.asked is not None and self.asked.is_open:
            yield self._status(Status.AWAITING_INPUT)
            self.asked = await self.audience.answer(self.asked.asked.request)
        yield self._status(Status.ACTIVE)
        try:
            if not self.judged:
                async with aclosing(self._speak_on()) as turns:
                    async for event in turns:
                        yield event
        except OverBudget:
            self.reason = BUDGET
            yield self._status(Status.ACTIVE)
            async with aclosing(self._close()) as turn:
                async for event in turn:
                    yield event
        yield self._status(Status.COMPLETED)

    async def _speak_on(self) -> AsyncGenerator[EventData, None]:
        for round_, agent in islice(self._turns(), len(self.said), None):
            async with aclosing(self._speak(agent, round_, Kind.ANALYSIS)) as turn:
                async for event in turn:
                    yield event
        async with aclosing(self._judge()) as turn:
            async for event in turn:
                yield event

    def _status(self, status: Status) -> StatusChanged:
        return StatusChanged(status=status, mode=self.mode, reason=self.reason)

    def _turns(self) -> Iterator[tuple[int, Agent]]:
        for round_ in range(1, self.question.rounds + 1):
            for agent in self.panel.speakers:
                yield round_, agent

    async def _speak(self, agent: Agent, round_: int, kind: Kind) -> AsyncGenerator[EventData, None]:
        """A turn, from its start to its message, by the first provider that manages it. Each that does not is told."""
        failover = Failover(self._candidates(), self._before())
        try:
            while True:
                choice = await failover.next()
                self._last = choice.provider
                if choice.fallback is not None:
                    yield choice.fallback
                if choice.provider.mode is Mode.DEMO and not self.is_demo:
                    self.is_demo = True
                    # Before its first word.
                    yield self._status(Status.ACTIVE)
                if choice.wait:
                    await asyncio.sleep(choice.wait)
                turn, start = await self._begin(agent, round_, kind, choice.provider)
                try:
                    async with aclosing(self._utter(turn, start, failover)) as events:
                        async for event in events:
                            yield event
                    message = self._end(start, _finished(turn), is_verdict_needed=failover.has_another_live())
                except OverBudget:
                    metrics.turn_failed(start.provider, start.model, BUDGET)
                    yield self._discard(start, BUDGET)
                    raise
                except ProviderError as failure:
                    metrics.turn_failed(start.provider, start.model, failure.reason)
                    held = turn.was_held and failure.retryable
                    yield self._discard(start, "interrupted" if held else failure.reason)
                    await failover.failed(failure, held=held, begun=turn.has_spoken)
                else:
                    metrics.turn_completed(message.provider, message.model, message.usage, message.cost)
                    await failover.succeeded()
                    yield message
                    return
                finally:
                    # Of a turn that was stopped before its first call.
                    await turn.give_back()
        finally:
            await failover.abandoned()

    def _candidates(self) -> Sequence[Provider]:
        """Who may be asked. What began to be a demo is not mixed with a real debate any more."""
        demos = [provider for provider in self.providers if provider.mode is Mode.DEMO]
        return demos if demos and self.mode is Mode.DEMO else self.providers

    def _before(self) -> Provider:
        """Who spoke last, else who is preferred."""
        if self._last is None and self.said:
            last = self.said[-1]
            known = (
                each for each in self.providers if (each.kind, each.model) == (last.provider, last.model)
            )
            self._last = next(known, None)
        return self._last or self.providers[0]

    async def _utter(
        self, turn: Turn, start: MessageStart, failover: Failover
    ) -> AsyncGenerator[EventData, None]:
        """A message from its start to before its end; in between its agent may ask, and gets what becomes of it."""
        yield start
        is_speaking = False
        async with aclosing(turn.events()) as events:
            async for event in events:
                yield event
                if not is_speaking:
                    is_speaking = True
                    await failover.answering()
                if isinstance(event, InputRequest):
                    yield self._status(Status.AWAITING_INPUT)
                    self.asked = await self.audience.answer(event.request)
                    yield self._status(Status.ACTIVE)
                    turn.answered(builder.outcome(self.asked))

    def _discard(self, start: MessageStart, reason: str) -> MessageDiscard:
        if reason not in UNBILLED:
            self.discarded += 1
        return MessageDiscard(message=start.message, reason=reason)

    async def _judge(self) -> AsyncGenerator[EventData, None]:
        async with aclosing(self._speak(self.panel.moderator, self.question.rounds, Kind.FINAL)) as turn:
            async for event in turn:
                yield event
        yield self._complete(self._verdict)

    async def _close(self) -> AsyncGenerator[EventData, None]:
        """The moderator's judgement of what there is, as far as that can be paid."""
        try:
            if self.said:
                async with aclosing(self._judge()) as turn:
                    async for event in turn:
                        yield event
                return
        except OverBudget:
            pass
        yield self._complete(None)

    async def _begin(
        self, agent: Agent, round_: int, kind: Kind, provider: Provider
    ) -> tuple[Turn, MessageStart]:
        """A turn that may begin: everybody is ready for it, and it can be paid. Raises OverBudget."""
        people = await self.audience.edge()
        remarks = people.remarks([said.message for said in self.said])
        spoken = [Spoken(said.role, said.agent, said.round, said.content) for said in self.said]
        task = Task(agent, round_, self.question, spoken, remarks, self._unanswered(remarks), self.asked)
        start = MessageStart(
            message=uuid.uuid4(),
            agent=agent.name,
            role=agent.role,
            kind=kind,
            round=round_,
            model=provider.model,
            provider=provider.kind,
            mode=provider.mode,
            streaming=agent.streaming,
        )
        schema = verdicts.schema(provider) if _is_final(kind) else None
        turn = Turn(task, provider, start.message, self.limits, schema, self.purse)
        if not _is_final(kind):
            # The verdict hears what this turn adds.
            turn.keep = replace(turn.call, input_tokens=turn.call.input_tokens + turn.call.output_tokens)
        await turn.reserve()
        return turn, start

    def _unanswered(self, remarks: Sequence[Remark]) -> list[Remark]:
        """What people said to the panel and no finished turn has heard. Those that had come before the last finished
        turn began have been."""
        if self._heard is None:
            before = [remark.seq for remark in remarks if remark.place < len(self.said)]
            self._heard = max(before, default=0)
        self._offered = max((remark.seq for remark in remarks), default=0)
        return [remark for remark in remarks if remark.question is None and remark.seq > self._heard]

    def _end(self, start: MessageStart, answer: Answer, *, is_verdict_needed: bool) -> AgentMessage:
        """The whole message. Raises ProviderError where it is a judgement that is none, and is needed."""
        content, confidence = answer.text, None
        if _is_final(start.kind):
            self._verdict = verdicts.read(answer.value)
            if self._verdict is not None:
                content = self._verdict.summary
                confidence = (
                    self._verdict.confidence if start.mode is Mode.LIVE and self.mode is Mode.LIVE else None
                )
            elif is_verdict_needed:
                raise ProviderError(
                    "provider_invalid_answer", "The model gave no valid verdict.", retryable=True
                )
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

    def _is_judged(self) -> bool:
        return bool(self.said) and _is_final(self.said[-1].kind)

    def _complete(self, verdict: Verdict | None) -> Complete:
        reason = None
        if self.mode is Mode.DEMO:
            # A script has no opinion, whatever its text says.
            reason = "demo"
        elif verdict is None:
            reason = "invalid_answer" if self._is_judged() else BUDGET
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


def _is_final(kind: Kind) -> bool:
    return kind is Kind.FINAL


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
