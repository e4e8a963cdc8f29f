"""Asks a model once for a short answer, outside of debates."""

from typing import Final

import ag2
import structlog
from ag2.events import BaseEvent, ModelMessageChunk, ModelReasoning
from django.conf import settings

from conversations.agents.clean_text import clean
from conversations.agents.clock import ReplyClock
from conversations.agents.event_mapper import counted
from conversations.agents.reply import BYTES_PER_TOKEN
from conversations.agents.reply_stream import ReplyStream
from conversations.agents.think_tags import spoken
from conversations.agents.usage_middleware import Meter, middleware
from conversations.domain import finish_reasons
from conversations.domain.budget_guard import BudgetGuard, Call
from conversations.domain.errors import OutcryError, ProviderError
from conversations.domain.short_answer import ShortAnswer
from conversations.domain.texts import has_visible_character
from conversations.prompts import client_task, tokens
from conversations.prompts.tokens import Measured
from conversations.providers import provider_errors
from conversations.providers.catalog import Provider, longest_answer
from conversations.providers.clients import ModelCall, connect
from conversations.providers.provider_errors import provider_error

logger = structlog.get_logger(__name__)

# Characters of an answer: follow-up questions have up to 400 each.
MAX_TEXT: Final = 8_000
_ROLE: Final = "assistant"


async def ask(request: str, provider: Provider, budget: BudgetGuard) -> ShortAnswer:
    """The provider's answer to the request, whose call is reserved and settled in the budget.

    Raises ProviderError, OverBudget and LogUnavailable."""
    prompt = client_task.build(request)
    most = tokens.most([prompt.system, *prompt.told])
    longest = longest_answer(provider, {})
    call = Call(provider.kind, provider.model, most, longest)
    clock = ReplyClock(
        provider.first_token or settings.OUTCRY_FIRST_TOKEN_SECONDS,
        provider.stall or settings.OUTCRY_STALL_SECONDS,
        settings.OUTCRY_WHOLE_ANSWER_SECONDS,
    )
    meter = Meter(budget, provider, call, prompt, Measured(), clock)
    await meter.reserve()
    model_call = ModelCall(_ROLE, 1, "", streaming=False, sampling={}, on_whole=clock.whole_answer)
    stream = ReplyStream(_Signs(clock, BYTES_PER_TOKEN * longest).receive)
    try:
        async with clock.limit(), connect(provider, model_call) as config:
            agent = ag2.Agent(_ROLE, prompt.system, config=config, middleware=middleware(meter))
            reply = await agent.ask(prompt.message, stream=stream)
    except Exception as failure:
        if isinstance(failure, OutcryError) and not isinstance(failure, ProviderError):
            raise
        error = provider_error(failure)
        logger.warning("task_failed", provider=provider.label, reason=error.reason, exc_info=failure)
        raise error from failure
    finally:
        await meter.release()
    text = spoken(clean(reply.body or "")).strip()
    reason = finish_reasons.normalized(reply.response.finish_reason or finish_reasons.ERROR)
    if reason == finish_reasons.ERROR:
        raise provider_errors.dropped()
    if reason in finish_reasons.WITHHELD:
        raise provider_errors.withheld()
    if not has_visible_character(text):
        raise ProviderError("provider_empty", "The model gave an empty answer.", retryable=True)
    is_cut = reason == finish_reasons.LENGTH or len(text) > MAX_TEXT
    return ShortAnswer(text[:MAX_TEXT], counted(reply.response.usage), "length" if is_cut else "stop")


class _Signs:
    """Takes the parts of an answer as signs of life, and bounds their characters. Only the whole answer is read."""

    def __init__(self, clock: ReplyClock, most: int) -> None:
        self._clock = clock
        self._left = most

    async def receive(self, event: BaseEvent) -> None:
        # Not a union: AG2 overloads | between event classes.
        if isinstance(event, (ModelMessageChunk, ModelReasoning)):
            self._left -= len(event.content)
            if self._left < 0:
                raise provider_errors.looped()
            self._clock.token()
