"""One turn: asks an AG2 agent once, and yields its reply token by token.

1. `builder.build` makes the prompt, `Meter` reserves the maximum cost of the first call.
2. A task asks AG2's agent. `Reply` translates AG2's events and puts them into a buffer, which `next` reads.
3. `ReplyClock` ends a reply after too long a silence, `Meter` reserves and settles each call.
"""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import ag2
import structlog
from ag2 import ResponseSchema
from ag2.config import ModelConfig
from ag2.events import ModelRequest, TextInput
from django.conf import settings
from pydantic import BaseModel

from conversations.agents.answer_form import AnswerForm, Unreadable
from conversations.agents.clean_text import clean
from conversations.agents.clock import ReplyClock
from conversations.agents.event_mapper import PartialMessage
from conversations.agents.reply import Reply
from conversations.agents.reply_stream import ReplyStream
from conversations.agents.think_tags import spoken
from conversations.agents.thoughts import Thoughts
from conversations.agents.tool_calls import ReadableCalls, UnreadableCall
from conversations.agents.tools import ask_human
from conversations.agents.usage_middleware import Meter, middleware, telemetry
from conversations.domain import finish_reasons
from conversations.domain.budget_guard import BudgetGuard, Call, verdict_beyond
from conversations.domain.errors import LogUnavailable, OutcryError, ProviderError
from conversations.domain.events import EventData, Usage
from conversations.domain.texts import has_visible_character
from conversations.infrastructure import tracing
from conversations.prompts import builder
from conversations.prompts.builder import Task
from conversations.prompts.tokens import TOOL_BYTES, Measured
from conversations.providers import health_probe, pricing, provider_errors
from conversations.providers.catalog import Provider, longest_answer
from conversations.providers.clients import ModelCall, connect
from conversations.providers.provider_errors import provider_error

logger = structlog.get_logger(__name__)

# Bytes of the words around a schema that stands in the prompt: rounded up.
SCHEMA_WORDS = 512
# How often a model may correct a structured answer that does not match its schema.
CORRECTIONS = 1


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
    debate's models have counted so far.
    """

    def __init__(
        self,
        task: Task,
        provider: Provider,
        message: UUID,
        form: AnswerForm | None,
        budget: BudgetGuard,
        measured: Measured,
    ) -> None:
        self.answer: Answer | None = None
        self._task = task
        self._provider = provider
        self._form = form
        prompt = self._prompt = builder.build(task, provider).cut_to(settings.OUTCRY_MAX_PROMPT_TOKENS)
        longest = longest_answer(provider, prompt.sampling)
        most = measured.most(provider.kind, provider.model, prompt.system, prompt.told)
        overhead = _overhead(form, may_ask=task.may_ask(provider))
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
        # The text and finish reason of a whole answer that is not in its form yet.
        self._whole: tuple[str, str] | None = None
        self._replying: asyncio.Task[Answer] | None = None

    @property
    def has_begun(self) -> bool:
        """Whether any text or thought has arrived from the model."""
        return self._reply.has_begun

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
        )
        probing = asyncio.create_task(self._probe_host())
        try:
            async with self._clock.limit(), connect(self._provider, call) as config:
                text, value, finish_reason = await self._ask_with_tools(config)
        except Exception as failure:
            if self._whole is not None and not isinstance(failure, LogUnavailable):
                # Only the correction of its form has failed.
                logger.warning("correction_failed", provider=self._provider.label, exc_info=failure)
                (text, finish_reason), value = self._whole, None
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

    async def _ask_with_tools(self, config: ModelConfig) -> tuple[str, BaseModel | None, str]:
        if not self._task.may_ask(self._provider) or not ask_human.takes_tools(self._provider):
            return await self._ask(config)
        try:
            return await self._ask(config, **ask_human.options(self._reply.ask))
        except UnreadableCall:
            # The turn goes on without: another model of this server may well call tools.
            return await self._ask_without_tools(config)
        except Exception as failure:
            if self.has_begun or provider_error(failure).reason != "provider_rejected":
                raise
        # Some servers reject requests with tools or tool results, and accept the same request without.
        answer = await self._ask(config)
        logger.warning("model_takes_no_tools", provider=self._provider.kind, model=self._provider.model)
        ask_human.takes_no_tools(self._provider)
        return answer

    async def _ask_without_tools(self, config: ModelConfig) -> tuple[str, BaseModel | None, str]:
        """Ask again after a call that cannot be read. If there is another one, what was said so far stands."""
        try:
            return await self._ask(config, builder.UNREADABLE_QUESTION)
        except UnreadableCall:
            await self._reply.end_call()
            text = self._reply.partial.text
            if not has_visible_character(text):
                raise
            return text, None, finish_reasons.STOP

    async def _ask(
        self, config: ModelConfig, note: str = "", **options: Any
    ) -> tuple[str, BaseModel | None, str]:
        """Ask AG2's agent. Returns its text, its structured answer if it is valid, and its finish reason. `note` ends
        the prompt."""
        agent = ag2.Agent(
            self._task.agent.role,
            self._prompt.system,
            config=config,
            response_schema=None if self._form is None else _response_schema(self._form.schema),
            middleware=(
                ReadableCalls,
                *middleware(self._meter),
                *telemetry(self._task.agent.name, self._provider),
            ),
            **options,
        )
        # If the agent asked a person before tools were given up, the prompt has the question and its outcome.
        prompt = "\n\n".join(filter(None, [self._prompt.message, self._reply.asked, note]))
        reply = await self._replied(agent, prompt)
        finish_reason = finish_reasons.normalized(reply.response.finish_reason or finish_reasons.ERROR)
        if finish_reason == finish_reasons.ERROR:
            # Without a reason, the connection was closed in the middle of the answer; nothing else shows it.
            raise provider_errors.dropped()
        self._reply.require_size(reply.body or "")
        text = self._reply.partial.text or spoken(clean(reply.body or ""))
        _require_text(text, finish_reason)
        if self._form is None:
            return text, None, finish_reason
        self._whole = text, finish_reason
        return text, await self._value(agent, prompt, reply.body or "", self._form), finish_reason

    async def _replied(self, agent: "ag2.Agent[Any]", prompt: str) -> Any:
        """The agent's reply to the history and this prompt."""
        stream = ReplyStream(self._reply.receive)
        await stream.history.replace([ModelRequest([TextInput(text)]) for text in self._prompt.history])
        reply = await agent.ask(prompt, stream=stream)
        await self._reply.end_call()
        return reply

    async def _value(
        self, agent: "ag2.Agent[Any]", prompt: str, answer: str, form: AnswerForm
    ) -> BaseModel | None:
        """The structured answer, which the model may correct; None if it is still in another form."""
        for corrections_left in range(CORRECTIONS, -1, -1):
            try:
                return form.read(answer)
            except Unreadable as problem:
                logger.warning("answer_unreadable", provider=self._provider.label, problem=str(problem))
                if not corrections_left:
                    return None
                schema = _response_schema(form.schema).json_schema or {}
                request = builder.correction(answer, str(problem), schema)
                # Not within the same conversation, which would repeat the answer as it is.
                answer = (await self._replied(agent, f"{prompt}\n\n{request}")).body or ""
        return None


def _partial(message: UUID, call: Call) -> PartialMessage:
    prompt = Usage(input_tokens=call.input_tokens, output_tokens=0)
    return PartialMessage(
        message,
        prompt_cost=pricing.cost(call.provider, call.model, prompt) or 0.0,
        token_price=pricing.output_token_cost(call.provider, call.model),
    )


def _overhead(form: AnswerForm | None, *, may_ask: bool) -> int:
    """Tokens, at the most, of what is sent beside the messages: a tool, or the schema of the answer."""
    if form is None:
        return TOOL_BYTES if may_ask else 0
    return SCHEMA_WORDS + len(json.dumps(_response_schema(form.schema).json_schema, indent=2).encode())


def _require_text(text: str, finish_reason: str) -> None:
    if has_visible_character(text):
        return
    if finish_reason == finish_reasons.LENGTH:
        sentence = "The model spent its whole answer on thinking. Raise OUTCRY_MAX_ANSWER_TOKENS."
        raise ProviderError("provider_empty", sentence, retryable=False)
    if finish_reason in finish_reasons.WITHHELD:
        raise provider_errors.withheld()
    raise ProviderError("provider_empty", "The model gave an empty answer.", retryable=True)


@cache
def _response_schema(answer: type[BaseModel]) -> "ResponseSchema[Any]":
    # Cached: building one takes more CPU than storing a whole turn.
    return ResponseSchema(answer)
