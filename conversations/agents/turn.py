"""One turn: asks an AG2 agent once, and yields its reply token by token.

1. `builder.build` makes the prompt, `Meter` reserves the maximum cost of the first call.
2. A task asks AG2's agent (`Asking`). `Reply` translates AG2's events and puts them into a buffer, which `next` reads.
3. `ReplyClock` ends a reply after too long a silence, `Meter` reserves and settles each call.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from types import MappingProxyType, TracebackType
from typing import Any, Self
from uuid import UUID

import structlog
from django.conf import settings
from pydantic import BaseModel

from conversations.agents.answer_form import AnswerForm
from conversations.agents.asking import Asking, response_schema
from conversations.agents.clock import ReplyClock
from conversations.agents.event_mapper import PartialMessage
from conversations.agents.reply import Reply
from conversations.agents.thoughts import Thoughts
from conversations.agents.tools.catalog import TOOLS
from conversations.agents.tools.tool import Results, Tool
from conversations.agents.tools.toolbox import Toolbox
from conversations.agents.usage_middleware import Meter
from conversations.domain.budget_guard import BudgetGuard, Call, verdict_beyond
from conversations.domain.errors import LogUnavailable, OutcryError, ProviderError
from conversations.domain.events import EventData, TextRead, Usage
from conversations.infrastructure import tracing
from conversations.prompts import builder
from conversations.prompts.builder import Task
from conversations.prompts.tokens import TOOL_BYTES, Measured
from conversations.providers import health_probe, pricing
from conversations.providers.catalog import Provider, longest_answer
from conversations.providers.clients import ModelCall, connect
from conversations.providers.provider_errors import provider_error
from conversations.providers.windows import most_prompt_tokens

logger = structlog.get_logger(__name__)

# Bytes of the words around a schema that stands in the prompt: rounded up.
SCHEMA_WORDS = 512


@dataclass(frozen=True)
class Answer:
    """A whole answer. `value` is the structured answer, None if there is no form or the answer has another. `tokens` is
    the number of streamed tokens."""

    text: str
    tokens: int
    value: BaseModel | None
    usage: Usage
    finish_reason: str
    duration_ms: int


class Turn:
    """Use it in this order:

    1. `await reserve()`, which may raise OverBudget.
    2. `async with turn:` around the rest; leaving the block ends the model's HTTP stream.
    3. `await next()` until it returns None. After an InputRequest the agent waits for `resolve`.
    4. `answer` is the whole answer.

    `call` is the first call at the most, `keep` what a verdict right after it needs beyond that. `measured` is what the
    debate's models have counted so far. Figures that tools give go to `results`; without it, none are offered.
    """

    def __init__(
        self,
        task: Task,
        provider: Provider,
        message: UUID,
        form: AnswerForm | None,
        budget: BudgetGuard,
        measured: Measured,
        results: Results | None = None,
        own_tools: Mapping[str, Tool[Any]] = MappingProxyType({}),
    ) -> None:
        self.answer: Answer | None = None
        self._task = task
        self._provider = provider
        self._form = form
        prompt = self._prompt = builder.build(task, provider, most_prompt_tokens(provider))
        longest = longest_answer(provider, prompt.sampling)
        most = measured.most(provider.kind, provider.model, prompt.system, prompt.told)
        tools = _tools(task, provider, own_tools) if results is not None else []
        overhead = _overhead(form, tools, may_ask=task.may_ask(provider))
        self.call = Call(provider.kind, provider.model, most + overhead, longest)
        expected = replace(self.call, input_tokens=min(most, ceil(prompt.tokens.high)))
        self.keep = verdict_beyond(self.call, expected.input_tokens)
        self._clock = ReplyClock(
            provider.first_token or settings.OUTCRY_FIRST_TOKEN_SECONDS,
            provider.stall or settings.OUTCRY_STALL_SECONDS,
            settings.OUTCRY_WHOLE_ANSWER_SECONDS,
        )
        self._meter = Meter(budget, provider, self.call, prompt, measured, self._clock)
        partial = _partial(message, expected)
        streamed = task.agent.streaming
        self._reply = Reply(partial, task.agent.name, self._clock, longest, streamed=streamed)
        toolbox = None
        if results is not None and tools:
            fixed = task.fixed_arguments(provider)
            toolbox = Toolbox(tools, results, self._clock, partial.finished, fixed)
        self._asking = Asking(task, provider, prompt, form, self._meter, self._reply, toolbox)
        self._replying: asyncio.Task[Answer] | None = None

    @property
    def has_begun(self) -> bool:
        """Whether any text or thought has arrived from the model."""
        return self._reply.has_begun

    @property
    def texts(self) -> tuple[TextRead, ...]:
        """How much of the debate's texts the prompt has; empty: all of them."""
        return self._prompt.read

    @property
    def items(self) -> tuple[str, ...]:
        """The ids of the items of the record that the prompt has."""
        return self._prompt.items

    @property
    def thoughts(self) -> Thoughts:
        """What the model thinks. Its Token events are among the reply's, with messages of their own."""
        return self._reply.thoughts

    @property
    def was_held(self) -> bool:
        """Whether the model ever had to wait for us."""
        return self._reply.buffer.was_held

    async def reserve(self, keep: Call | None = None) -> None:
        """Reserve the maximum cost of the first call, such that `keep` stays within the budget after each of the turn's
        calls.

        Raises OverBudget and LogUnavailable."""
        self._meter.keep = keep
        await self._meter.reserve()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._replying is not None:
            self._replying.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._replying
        await self._meter.release()

    async def next(self) -> EventData | None:
        """The next event of the reply; None after the last one, when `answer` is set.

        Raises ProviderError when the model fails, is cut off, or is silent for longer than the limits, and OverBudget
        when a further call would exceed the budget."""
        if self._replying is None:
            self._replying = asyncio.create_task(self._run())
        event = await self._reply.buffer.get()
        if event is None:
            self.answer = await self._replying
        return event

    def resolve(self, outcome: str) -> None:
        """Pass the outcome of the agent's question to it."""
        self._reply.resolve(outcome)

    async def _run(self) -> Answer:
        agent, provider, reply = self._task.agent.name, self._provider, self._reply
        message = reply.partial.message
        try:
            with tracing.turn(message, agent, self._task.round, provider.kind, provider.model) as reply.span:
                answer = await self._answered()
                usage = answer.usage
                usd = pricing.cost(provider.kind, provider.model, usage)
                tracing.turn_completed(
                    reply.span, usage.input_tokens, usage.output_tokens, usd, answer.tokens
                )
                return answer
        finally:
            reply.buffer.close()

    async def _answered(self) -> Answer:
        began, task = time.monotonic(), self._task
        call = ModelCall(
            task.agent.role,
            task.round,
            task.question.topic,
            task.agent.streaming,
            self._prompt.sampling,
            self._clock.whole_answer,
            task.agent.temperature,
        )
        probing = asyncio.create_task(self._probe_host())
        try:
            async with self._clock.limit(), connect(self._provider, call) as config:
                text, value, finish_reason = await self._asking.answer(config)
        except Exception as failure:
            whole = self._asking.whole
            if whole is not None and not isinstance(failure, LogUnavailable):
                # Only the correction of its form has failed.
                logger.warning("correction_failed", provider=self._provider.label, exc_info=failure)
                text, value, finish_reason = whole
            elif isinstance(failure, OutcryError) and not isinstance(failure, ProviderError):
                raise
            else:
                error = provider_error(failure)
                logger.warning(
                    "turn_failed", provider=self._provider.label, reason=error.reason, exc_info=failure
                )
                raise error from failure
        finally:
            probing.cancel()
            await self._meter.release()
        duration_ms = round((time.monotonic() - began) * 1000)
        partial = self._reply.partial
        return Answer(text, partial.tokens, value, partial.usage or Usage(), finish_reason, duration_ms)

    async def _probe_host(self) -> None:
        """End the reply early if nothing has arrived and the provider's host does not respond."""
        url = health_probe.address(self._provider)
        if url is None:
            return
        await asyncio.sleep(health_probe.ASK_AFTER_SECONDS)
        if not self._reply.has_begun and not await health_probe.is_alive(url) and not self._reply.has_begun:
            self._clock.expire()


def _partial(message: UUID, call: Call) -> PartialMessage:
    prompt = Usage(input_tokens=call.input_tokens, output_tokens=0)
    return PartialMessage(
        message,
        prompt_cost=pricing.cost(call.provider, call.model, prompt) or 0.0,
        token_price=pricing.output_token_cost(call.provider, call.model),
    )


def _tools(task: Task, provider: Provider, own: Mapping[str, Tool[Any]]) -> list[Tool[Any]]:
    """What the agent may call; `own` are tools of this conversation alone."""
    known = {**TOOLS, **own}
    return [known[name] for name in task.tools(provider) if name in known]


def _overhead(form: AnswerForm | None, tools: Sequence[Tool[Any]], *, may_ask: bool) -> int:
    """Tokens, at the most, of what is sent beside the messages: tools, or the schema of the answer."""
    if form is None:
        offered = sum(len(json.dumps([tool.name, tool.description, tool.schema]).encode()) for tool in tools)
        return offered + (TOOL_BYTES if may_ask else 0)
    return SCHEMA_WORDS + len(json.dumps(response_schema(form.schema).json_schema, indent=2).encode())
