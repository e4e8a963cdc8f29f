"""One turn of an agent, from its `message_start` to its `agent_message`, by the first provider that completes it."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID

from conversations.agents.answer_form import AnswerForm
from conversations.agents.tools.tool import Tool
from conversations.agents.turn import Turn
from conversations.domain.budget_guard import BudgetGuard, Call, verdict_of
from conversations.domain.enums import Kind, Mode, Status
from conversations.domain.errors import OverBudget, ProviderError
from conversations.domain.events import (
    AgentMessage,
    EventData,
    Figures,
    InputRequest,
    MessageDiscard,
    MessageStart,
    Token,
)
from conversations.domain.finish_reasons import WITHHELD, with_note
from conversations.domain.human_input import HumanInput, Question, unanswered
from conversations.domain.panels import Agent
from conversations.infrastructure import metrics
from conversations.orchestration.figures import MessageFigures, checked, checked_form
from conversations.orchestration.state import BUDGET, DebateState
from conversations.orchestration.thinking import Thinking
from conversations.orchestration.verdict import Verdict, VerdictAnswer, form_of
from conversations.prompts import builder
from conversations.prompts.builder import Task
from conversations.prompts.spoken import Spoken
from conversations.providers import pricing
from conversations.providers.catalog import BUILT_IN, Provider
from conversations.providers.failover import Choice, Failover
from conversations.providers.provider_errors import UNBILLED, withheld


class TeamControl(Protocol):
    """What a team needs from the run that executes it."""

    async def checkpoint(self) -> HumanInput:
        """Wait until the next turn may begin; returns people's input so far. Raises Left if the run has to stop."""

    async def answer(self, request: UUID) -> Question:
        """Wait until the question is answered or has expired, and return it. Its InputRequest must have been
        yielded."""


class TeamTurn:
    """`agent` speaks in `round_`; the finished message is added to the state. `request` asks for its turn; empty: as a
    debate's. `tools` are what only agents of this conversation may call."""

    def __init__(
        self,
        state: DebateState,
        control: TeamControl,
        budget: BudgetGuard,
        turn: tuple[int, Agent, Kind],
        request: str = "",
        tools: Mapping[str, Tool[Any]] = MappingProxyType({}),
    ) -> None:
        self._state = state
        self._control = control
        self._budget = budget
        self._round, self._agent, self._kind = turn
        self._is_judgement = self._agent.judges
        self._request = request
        self._tools = tools
        # The seq of the newest remark in the prompt.
        self._newest_remark = 0

    async def events(self) -> AsyncGenerator[EventData, None]:
        """The events of every attempt; one that fails ends with its `message_discard`.

        Raises ProviderError when no provider is left, and OverBudget."""
        candidates = self._state.candidates(self._agent)
        failover = Failover(candidates, self._state.previous_provider(self._agent))
        try:
            while True:
                choice = await failover.next()
                if choice.provider.mode is Mode.DEMO and self._is_verdict_missing():
                    return
                for event in self._announcements(choice):
                    yield event
                await asyncio.sleep(choice.wait)
                turn, start = await self._begin(choice.provider)
                thinking = Thinking(start, turn.thoughts)
                figures = self._figures(start)
                try:
                    async with turn, aclosing(self._attempt(turn, start, thinking, failover)) as events:
                        async for event in events:
                            yield event
                            if (found := _figures_at(figures, event)) is not None:
                                yield found
                    message = self._finish(start, turn, failover)
                except OverBudget:
                    for discard in self._discards(start, thinking, BUDGET):
                        yield discard
                    raise
                except ProviderError as failure:
                    # The provider may have closed the stream because we stopped reading, as in a pause.
                    held = turn.was_held and failure.retryable
                    for discard in self._discards(start, thinking, failure.reason, is_interrupted=held):
                        yield discard
                    await failover.failed(failure, held=held, begun=turn.has_begun)
                else:
                    yield message
                    if self._state.record is not None:
                        self._state.figures.append(checked(self._state.record, message))
                        yield self._state.figures[-1]
                    if not self._is_verdict_missing() or not failover.has_another_live():
                        await failover.succeeded()
                        return
                    # The message stands, but another model may give a verdict.
                    sentence = "The model gave no valid verdict."
                    missing = ProviderError("provider_invalid_answer", sentence, retryable=True)
                    await failover.failed(missing, held=False, begun=False)
        except (ProviderError, OverBudget):
            # A judgement without a verdict is more than none.
            if not self._is_verdict_missing():
                raise
        finally:
            await failover.abandoned()

    def _is_verdict_missing(self) -> bool:
        """Whether the moderator has spoken, and gave no verdict."""
        messages = self._state.messages
        is_judged = bool(messages) and messages[-1].kind is Kind.FINAL
        return self._is_judgement and is_judged and self._state.verdict is None

    def _announcements(self, choice: Choice) -> Iterator[EventData]:
        """Events before the provider's first token: a fallback, and that a demo begins."""
        self._state.last_providers[self._agent.model] = choice.provider
        if choice.fallback is not None:
            yield choice.fallback
        if choice.provider.mode is Mode.DEMO and not self._state.is_demo:
            self._state.is_demo = True
            yield self._state.status(Status.ACTIVE)

    async def _begin(self, provider: Provider) -> tuple[Turn, MessageStart]:
        """Wait until the turn may begin, and reserve its maximum cost. Raises OverBudget."""
        task = self._task(await self._control.checkpoint())
        form = self._form(provider, task) if self._is_judgement else None
        message = uuid.uuid4()
        state = self._state
        turn = Turn(task, provider, message, form, self._budget, state.measured, state.record, self._tools)
        start = MessageStart(
            message=message,
            agent=self._agent.name,
            role=self._agent.role,
            kind=self._kind,
            round=self._round,
            model=provider.model,
            provider=provider.kind,
            mode=provider.mode,
            streaming=self._agent.streaming,
            texts=turn.texts,
            items=turn.items,
        )
        # Keep the last message affordable.
        await turn.reserve(keep=None if self._kind is Kind.FINAL else self._keep(turn))
        return turn, start

    def _keep(self, turn: Turn) -> Call:
        _, last, _ = self._state.last_turn()
        if last.model == self._agent.model:
            return turn.keep
        provider = self._state.candidates(last)[0]
        return verdict_of(turn.keep, turn.call, provider.kind, provider.model)

    def _form(self, provider: Provider, task: Task) -> AnswerForm:
        state = self._state

        def note(is_contradicted: bool) -> None:
            state.is_contradicted = is_contradicted

        form = form_of(provider, builder.summaries(task, provider))
        return form if state.record is None else checked_form(form, state.record, note)

    def _figures(self, start: MessageStart) -> MessageFigures | None:
        record = self._state.record
        return None if record is None else MessageFigures(record, start.message)

    def _task(self, human_input: HumanInput) -> Task:
        state = self._state
        remarks = human_input.remarks([message.message for message in state.messages])
        if state.heard is None:
            # A finished turn has heard all remarks that came before it began.
            state.heard = {
                message.role: max((remark.seq for remark in remarks if remark.place <= place), default=0)
                for place, message in enumerate(state.messages)
            }
        self._newest_remark = max((remark.seq for remark in remarks), default=0)
        is_last = self._kind is Kind.FINAL
        to_answer = unanswered(remarks, self._agent.role, state.heard, is_last=is_last)
        spoken = [
            Spoken(message.role, message.agent, with_note(message.content, message.finish_reason))
            for message in state.messages
            # Another model's judgement, without a verdict, is no part of the debate.
            if message.kind is not Kind.FINAL
        ]
        question = state.question
        if state.record is not None and state.record.size != len(
            question.record.items if question.record else ()
        ):
            # Tools have put results on record since.
            question = state.question = replace(question, record=state.record.whole)
        return Task(
            self._agent,
            self._round,
            question,
            spoken,
            remarks,
            to_answer,
            state.own_question,
            self._request,
        )

    async def _attempt(
        self, turn: Turn, start: MessageStart, thinking: Thinking, failover: Failover
    ) -> AsyncGenerator[EventData, None]:
        """The events of one reply. If the agent asks a person, waits for the outcome."""
        yield start
        has_begun, called = False, time.monotonic()
        while (event := await turn.next()) is not None:
            if not has_begun:
                has_begun = True
                metrics.first_token(start.provider, start.model, time.monotonic() - called)
                await failover.answering()
            for each in thinking.around(event):
                yield each
            if isinstance(event, InputRequest):
                yield self._state.status(Status.AWAITING_INPUT)
                question = self._state.own_question = await self._control.answer(event.request)
                yield self._state.status(Status.ACTIVE)
                turn.resolve(builder.outcome(question))
        for each in thinking.end():
            yield each

    def _discards(
        self, start: MessageStart, thinking: Thinking, code: str, *, is_interrupted: bool = False
    ) -> Iterator[MessageDiscard]:
        """Of the message of a failed attempt, and of its thoughts."""
        metrics.turn_failed(start.provider, start.model, code)
        reason = "interrupted" if is_interrupted else code
        if reason not in UNBILLED and start.provider not in BUILT_IN:
            self._state.discarded += 1
        for message in (start.message, *thinking.messages):
            yield MessageDiscard(message=message, reason=reason)

    def _finish(self, start: MessageStart, turn: Turn, failover: Failover) -> AgentMessage:
        """The finished message. Raises ProviderError if its end was withheld and another model may say it."""
        answer, state = turn.answer, self._state
        # `next` has set it, or raised.
        assert answer is not None  # noqa: S101
        if answer.finish_reason in WITHHELD and failover.has_another_live():
            raise withheld()
        content, confidence = answer.text, None
        if self._is_judgement:
            state.verdict = answer.value if isinstance(answer.value, Verdict) else None
            if state.verdict is not None:
                content = state.verdict.summary
                is_live = start.mode is Mode.LIVE and state.mode is Mode.LIVE
                has_stance = is_live and not state.is_test_run and not state.is_unpriced
                if has_stance and isinstance(state.verdict, VerdictAnswer):
                    confidence = state.verdict.confidence
        message = AgentMessage(
            **start.model_dump(exclude={"streaming", "texts", "items"}),
            content=content,
            token_count=answer.tokens,
            confidence=confidence,
            usage=answer.usage,
            cost=pricing.cost(start.provider, start.model, answer.usage),
            finish_reason=answer.finish_reason,
            duration_ms=answer.duration_ms,
        )
        metrics.turn_completed(message.provider, message.model, message.usage, message.cost)
        state.messages.append(message)
        state.own_question = None
        state.heard = {**(state.heard or {}), message.role: self._newest_remark}
        return message


def _figures_at(figures: MessageFigures | None, event: EventData) -> Figures | None:
    """The figures that are complete with this event; thoughts have none."""
    if figures is None or not isinstance(event, Token) or event.message != figures.message:
        return None
    return figures.token(event)
