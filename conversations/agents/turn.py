"""One turn: an AG2 agent is asked once, and what it says comes out as it is said."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import ag2
import structlog
from ag2 import ResponseSchema
from ag2.config import ModelConfig
from ag2.events import (
    BaseEvent,
    ModelMessage,
    ModelMessageChunk,
    ModelRequest,
    ModelResponse,
    TextInput,
    ToolCallEvent,
    ToolCallsEvent,
    ToolResultEvent,
    estimated_tokens,
)
from pydantic import BaseModel, ValidationError

from conversations.agents import usage_middleware
from conversations.agents.event_mapper import PartialMessage, clean, counted, translate
from conversations.agents.reply_stream import ReplyStream
from conversations.agents.token_buffer import TokenBuffer
from conversations.agents.tools import ask_human
from conversations.domain.budget_guard import BudgetGuard, Call, UnlimitedBudget
from conversations.domain.enums import Mode
from conversations.domain.errors import OutcryError, ProviderError
from conversations.domain.events import EventData, InputRequest, Usage
from conversations.infrastructure import tracing
from conversations.prompts import builder
from conversations.prompts.builder import Task
from conversations.providers import health_probe, pricing
from conversations.providers.catalog import Provider, longest_answer
from conversations.providers.clients import ModelCall, connect
from conversations.providers.provider_errors import UNBILLED, provider_error

logger = structlog.get_logger(__name__)

# Models that were found to take no tools, and until when (on the monotonic clock) they are not offered any again.
_without_tools: dict[Provider, float] = {}
WITHOUT_TOOLS_SECONDS = 600
# A chunk may be less than a token, and some models think aloud before they answer.
SLACK = 4
# How often a model may mend a structured answer that breaks its schema.
MENDS = 1
# How often a model may call tools before it has to speak; each time is a request to it.
MAX_CALLS = 5


@dataclass(frozen=True)
class Limits:
    """Seconds to the first token, between two, and for an answer that is not streamed; those that a person has to
    answer a question; and the tokens of the longest prompt."""

    first_token: float
    stall: float
    whole: float = 180
    answer: float = 300
    prompt_tokens: int = 32_000

    def of(self, provider: Provider) -> "Limits":
        """With what the provider has of its own."""
        return replace(
            self,
            first_token=provider.first_token or self.first_token,
            stall=provider.stall or self.stall,
        )


@dataclass(frozen=True)
class Answer:
    """A whole answer. `value` is None unless a structured answer was asked for and is valid; `tokens` counts what was
    streamed of it."""

    text: str
    tokens: int
    value: BaseModel | None
    usage: Usage
    finish_reason: str
    duration_ms: int


class Turn:
    """Iterate over `events()` for what the agent says; then `answer` holds the whole.

    Before that `reserve` sets aside what it may cost. After an InputRequest the agent waits for `answered`. `events()`
    raises ProviderError when the model fails, is cut off, or is silent for longer than the limits, and OverBudget when
    it needs a call more than can be paid. Whoever stops early must close it (`aclosing`): that ends the model's HTTP
    stream."""

    def __init__(
        self,
        task: Task,
        provider: Provider,
        message: UUID,
        limits: Limits,
        schema: type[BaseModel] | None = None,
        purse: BudgetGuard | None = None,
    ) -> None:
        self.answer: Answer | None = None
        # The call that must stay payable after each of this turn's.
        self.keep: Call | None = None
        self._task = task
        self._provider = provider
        self._limits = limits.of(provider)
        self._schema = schema
        self._purse = purse or UnlimitedBudget()
        self._reserved: UUID | None = None
        self._prompt = builder.build(task, provider)
        prompt_size = Usage(input_tokens=min(self._prompt.tokens, limits.prompt_tokens), output_tokens=0)
        self._heard = PartialMessage(
            message,
            prompt_cost=pricing.cost(provider.kind, provider.model, prompt_size) or 0.0,
            token_price=pricing.output_token_cost(provider.kind, provider.model),
        )
        self._events: TokenBuffer[EventData | str] = TokenBuffer()
        self._outcome: asyncio.Future[str] | None = None
        self._deadline: asyncio.Timeout | None = None
        self._moved = 0.0
        self._calls = 0
        self._told: str | None = None
        self._is_heard = False
        self._span = tracing.NO_SPAN
        # Of the call of the model that is under way.
        self._chunks = 0
        # For how long the model was kept waiting.
        self._held_seconds = 0.0

    @property
    def call(self) -> Call:
        """What it costs at most, if one call of the model is all it takes."""
        return self._call(min(self._prompt.tokens, self._limits.prompt_tokens))

    @property
    def has_spoken(self) -> bool:
        """Whether the model has said anything."""
        return bool(self._heard.text)

    @property
    def was_held(self) -> bool:
        """Whether the model ever had to wait for us."""
        return self._events.was_held

    async def reserve(self) -> None:
        """Set aside what the turn's first call may cost. Raises OverBudget where there is not enough."""
        if self._provider.mode is Mode.LIVE:
            self._reserved = await self._purse.reserve(self.call, self.keep)

    async def events(self) -> AsyncGenerator[EventData, None]:
        talking = asyncio.create_task(self._traced())
        try:
            while (event := await self._events.get()) is not None:
                # A question's time begins when its turn to be told has come.
                yield self._request(event) if isinstance(event, str) else event
            self.answer = await talking
        finally:
            talking.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await talking

    def answered(self, outcome: str) -> None:
        """What became of the question, for the agent."""
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(outcome)

    def _request(self, prompt: str) -> InputRequest:
        seconds = self._limits.answer
        return InputRequest(
            request=uuid4(),
            message=self._heard.message,
            agent=self._task.agent.name,
            prompt=prompt,
            timeout=seconds,
            deadline=datetime.now(UTC) + timedelta(seconds=seconds),
        )

    async def _traced(self) -> Answer:
        agent, provider = self._task.agent.name, self._provider
        message = self._heard.message
        with tracing.turn(message, agent, self._task.round, provider.kind, provider.model) as self._span:
            answer = await self._talk()
            usd = pricing.cost(provider.kind, provider.model, answer.usage)
            used = answer.usage
            tracing.turn_completed(self._span, used.input_tokens, used.output_tokens, usd, answer.tokens)
            return answer

    async def _talk(self) -> Answer:
        started = time.monotonic()
        watching = asyncio.create_task(self._watch_host())
        try:
            async with (
                asyncio.timeout(self._patience()) as self._deadline,
                connect(self._provider, self._model_call()) as config,
            ):
                text, value, finish_reason = await self._converse_with_tools(config)
        except Exception as failure:
            if isinstance(failure, OutcryError) and not isinstance(failure, ProviderError):
                raise
            error = provider_error(failure)
            logger.warning(
                "turn_failed", provider=self._provider.label, reason=error.reason, exc_info=failure
            )
            raise error from failure
        finally:
            watching.cancel()
            self._events.close()
            await self.give_back()
        duration_ms = round((time.monotonic() - started) * 1000)
        usage = self._heard.usage or Usage()
        return Answer(text, self._heard.tokens, value, usage, finish_reason, duration_ms)

    async def _watch_host(self) -> None:
        """End the turn if the model is silent and its host is not there; one that is there has its limits."""
        url = health_probe.address(self._provider)
        if url is None:
            return
        await asyncio.sleep(health_probe.ASK_AFTER_SECONDS)
        if not self._is_heard and not await health_probe.is_alive(url) and not self._is_heard:
            self._start_clock(0)

    async def _metered(self, ask: usage_middleware.Ask, events: Sequence[BaseEvent]) -> ModelResponse:
        """A call of the model, paid for."""
        reserved, self._reserved = self._reserved, None
        if reserved is None and self._provider.mode is Mode.LIVE:
            tokens = sum(estimated_tokens(event, builder.CHARACTERS_PER_TOKEN) for event in events)
            reserved = await self._purse.reserve(
                self._call(tokens + len(self._prompt.system) // builder.CHARACTERS_PER_TOKEN), self.keep
            )
        self._chunks = 0
        began, held = time.monotonic(), self._held_seconds
        used: Usage | None = None
        try:
            response = await ask(events)
            used = counted(response.usage)
        except Exception as failure:
            if provider_error(failure).reason in UNBILLED:
                used = Usage(input_tokens=0, output_tokens=0)
            raise
        finally:
            if reserved is not None:
                seconds = time.monotonic() - began - (self._held_seconds - held)
                await self._purse.settle(reserved, used, seconds)
        return response

    def _call(self, tokens: int) -> Call:
        longest = longest_answer(self._provider, self._prompt.sampling)
        return Call(self._provider.kind, self._provider.model, tokens, longest)

    def _model_call(self) -> ModelCall:
        task = self._task
        return ModelCall(
            task.agent.role, task.round, task.question.topic, task.agent.streaming, self._prompt.sampling
        )

    async def give_back(self) -> None:
        """Return what was set aside for a call that was never made; nothing else, and once."""
        reserved, self._reserved = self._reserved, None
        if reserved is not None:
            await self._purse.settle(reserved, Usage(input_tokens=0, output_tokens=0), 0.0)

    def _patience(self) -> float:
        return self._limits.first_token if self._task.agent.streaming else self._limits.whole

    async def _converse_with_tools(self, config: ModelConfig) -> tuple[str, BaseModel | None, str]:
        if not self._task.may_ask(self._provider) or _takes_no_tools(self._provider):
            return await self._converse(config)
        try:
            return await self._converse(config, **ask_human.options(self._ask))
        except Exception as failure:
            if self._heard.text or provider_error(failure).reason != "provider_rejected":
                raise
        # Some servers reject every request that offers a tool, or that has a tool's answer, and are as good without.
        said = await self._converse(config)
        logger.warning("model_takes_no_tools", provider=self._provider.kind, model=self._provider.model)
        _without_tools[self._provider] = time.monotonic() + WITHOUT_TOOLS_SECONDS
        return said

    async def _converse(self, config: ModelConfig, **options: Any) -> tuple[str, BaseModel | None, str]:
        agent = ag2.Agent(
            self._task.agent.role,
            self._prompt.system,
            config=config,
            response_schema=None if self._schema is None else _response_schema(self._schema),
            middleware=(
                *usage_middleware.middleware(self._limits.prompt_tokens, self._metered),
                *usage_middleware.telemetry(self._task.agent.name, self._provider),
            ),
            **options,
        )
        stream = ReplyStream(self._hear)
        await stream.history.replace([_event(message) for message in self._prompt.history])
        # What it has asked before it was found to take no tools, it is told instead.
        message = "\n\n".join(filter(None, [self._prompt.message, self._told]))
        reply = await agent.ask(message, stream=stream)
        finish_reason = reply.response.finish_reason
        if finish_reason is None:
            # The only sign of a connection that closed in mid-answer.
            raise ProviderError(
                "provider_dropped", "The model's provider ended the answer half way.", retryable=True
            )
        value: BaseModel | str | None = None
        if self._schema is not None:
            with contextlib.suppress(ValidationError):
                value = await reply.content(retries=MENDS)
        text = self._heard.text or clean(reply.body or "")
        if not text.strip() and finish_reason == "length":
            sentence = "The model spent its whole answer on thinking. Raise OUTCRY_MAX_ANSWER_TOKENS."
            raise ProviderError("provider_empty", sentence, retryable=False)
        if not text.strip():
            raise ProviderError("provider_empty", "The model gave an empty answer.", retryable=True)
        return text, value if isinstance(value, BaseModel) else None, finish_reason

    async def _hear(self, event: BaseEvent) -> None:
        if not self._is_heard:
            self._is_heard = True
            self._span.add_event("first_word")
        if isinstance(event, ToolCallsEvent):
            self._calls += 1
            self._heard.interrupted()
            if self._calls > MAX_CALLS:
                # AG2 would ask it for ever.
                sentence = "The model kept calling tools and did not come to an answer."
                raise ProviderError("provider_looped", sentence, retryable=True)
        ours = translate(event, self._heard)
        if isinstance(event, ModelMessageChunk):
            self._require_end()
        if ours is None or self._deadline is None:
            return
        if not self._is_asking(event) and not self._events.put(ours):
            # The clock is for the model; while it waits for us, it stands.
            self._stop_clock()
            began = time.monotonic()
            await self._events.room()
            self._held_seconds += time.monotonic() - began
        now = asyncio.get_running_loop().time()
        # Not for every token: moving a timer costs as much as all else here.
        if now - self._moved > self._limits.stall / 10:
            self._start_clock(self._limits.stall)

    def _require_end(self) -> None:
        """Raises ProviderError where an answer is longer than any may be: not every server keeps to its limit."""
        self._chunks += 1
        if self._chunks > SLACK * self.call.output_tokens:
            sentence = "The model went on and on, past the longest answer that was asked for."
            raise ProviderError("provider_looped", sentence, retryable=True)

    def _is_asking(self, event: BaseEvent) -> bool:
        """Whether it is of the tool that asks, which shows as its question."""
        match event:
            case ToolCallEvent(name=ask_human.NAME):
                return True
            case ToolResultEvent(parent_id=call):
                return self._heard.tools.get(call) == ask_human.NAME
        return False

    async def _ask(self, question: str) -> str:
        self._stop_clock()
        self._outcome = asyncio.get_running_loop().create_future()
        # Behind what the agent said before it asked.
        self._events.put(question)
        outcome = await self._outcome
        self._told = builder.told(question, outcome)
        # What follows is a new request to the model.
        self._start_clock(self._patience())
        return outcome

    def _start_clock(self, seconds: float) -> None:
        is_waiting = self._outcome is not None and not self._outcome.done()
        if self._deadline is not None and not is_waiting:
            self._moved = asyncio.get_running_loop().time()
            self._deadline.reschedule(self._moved + seconds)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.reschedule(None)
        self._moved = 0.0


@cache
def _response_schema(answer: type[BaseModel]) -> "ResponseSchema[Any]":
    # Once a process: building one costs more CPU than storing a whole turn.
    return ResponseSchema(answer)


def _event(message: builder.Message) -> BaseEvent:
    """A message of the history as AG2 keeps it."""
    if message.role == "assistant":
        return ModelResponse(ModelMessage(message.text))
    return ModelRequest([TextInput(message.text)])


def _takes_no_tools(provider: Provider) -> bool:
    return time.monotonic() < _without_tools.get(provider, 0)
