"""One turn: an AG2 agent is asked once, and what it says comes out as it is said."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import ag2
import structlog
from ag2 import ResponseSchema
from ag2.config import ModelConfig
from ag2.events import BaseEvent
from pydantic import BaseModel, ValidationError

from conversations import pricing, prompts
from conversations.connections import connect
from conversations.errors import ProviderError
from conversations.events import EventData, Usage
from conversations.failures import provider_error
from conversations.prompts import Task
from conversations.providers import Provider
from conversations.translate import Heard, clean, translate
from conversations.turn_stream import TurnStream

logger = structlog.get_logger(__name__)

# Between the model and the log: how far a model may run ahead before its stream is no longer read.
MAX_AHEAD = 1_000
# How often a model may mend a structured answer that breaks its schema.
MENDS = 1


@dataclass(frozen=True)
class Limits:
    """Seconds to the first token, between two, and for an answer that is not streamed."""

    first_token: float
    stall: float
    whole: float = 180


@dataclass(frozen=True)
class Answer:
    """A whole answer. `value` is None unless a structured answer was asked for and is valid."""

    text: str
    value: BaseModel | None
    usage: Usage
    finish_reason: str
    duration_ms: int


class Turn:
    """Iterate over `events()` for what the agent says; then `answer` holds the whole.

    `events()` raises ProviderError when the model fails, is cut off, or is silent for longer than the limits.
    Whoever stops early must close it (`aclosing`): that ends the model's HTTP stream."""

    def __init__(
        self,
        task: Task,
        provider: Provider,
        message: UUID,
        limits: Limits,
        schema: ResponseSchema[Any] | None = None,
    ) -> None:
        self.answer: Answer | None = None
        self._task = task
        self._provider = provider
        self._limits = limits
        self._schema = schema
        self._prompt = prompts.build(task, provider)
        prompt_size = Usage(input_tokens=self._prompt.tokens, output_tokens=0)
        self._heard = Heard(
            message,
            prompt_cost=pricing.cost(provider.kind, provider.model, prompt_size) or 0.0,
            token_price=pricing.output_token_cost(provider.kind, provider.model),
        )
        self._events: asyncio.Queue[EventData | None] = asyncio.Queue(MAX_AHEAD)
        self._deadline: asyncio.Timeout | None = None
        self._moved = 0.0

    async def events(self) -> AsyncGenerator[EventData, None]:
        asking = asyncio.create_task(self._ask())
        try:
            while (event := await self._events.get()) is not None:
                yield event
            self.answer = await asking
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await asking

    async def _ask(self) -> Answer:
        started = time.monotonic()
        try:
            async with (
                asyncio.timeout(self._patience()) as self._deadline,
                connect(self._provider, self._task, self._prompt) as config,
            ):
                text, value, finish_reason = await self._converse(config)
        except Exception as failure:
            error = provider_error(failure)
            logger.warning("turn_failed", provider=self._provider.kind, reason=error.reason, exc_info=failure)
            await self._events.put(None)
            raise error from failure
        await self._events.put(None)
        duration_ms = round((time.monotonic() - started) * 1000)
        return Answer(text, value, self._heard.usage or Usage(), finish_reason, duration_ms)

    def _patience(self) -> float:
        return self._limits.first_token if self._task.agent.streaming else self._limits.whole

    async def _converse(self, config: ModelConfig) -> tuple[str, BaseModel | None, str]:
        agent = ag2.Agent(
            self._task.agent.role, self._prompt.system, config=config, response_schema=self._schema
        )
        stream = TurnStream(self._hear)
        await stream.history.replace(self._prompt.history)
        reply = await agent.ask(self._prompt.message, stream=stream)
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
        ours = translate(event, self._heard)
        if ours is None or self._deadline is None:
            return
        # The clock is for the model; while the log is what we wait for, it stands.
        if self._events.full():
            self._deadline.reschedule(None)
            self._moved = 0.0
        await self._events.put(ours)
        now = asyncio.get_running_loop().time()
        # Not for every token: moving a timer costs as much as all else here.
        if now - self._moved > self._limits.stall / 10:
            self._deadline.reschedule(now + self._limits.stall)
            self._moved = now
