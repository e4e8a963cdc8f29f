"""Chooses the team that answers a question.

1. A person has chosen it.
2. A rule decides (`conversations.domain.routing`).
3. The supervisor, an agent, chooses; one whose choice is not sure, or that gives none in a few seconds, leaves it to
   the default team.

What runs only for trying Outcry does not choose: where no rule decides, the default team takes the question.
"""

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Annotated, Final

import structlog
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from conversations.agents.turn import Answer, Turn
from conversations.domain.budget_guard import BudgetGuard
from conversations.domain.enums import RoutedBy
from conversations.domain.errors import OverBudget, ProviderError
from conversations.domain.events import Routing
from conversations.domain.panels import DEFAULT_PANEL
from conversations.domain.routing import decide
from conversations.orchestration.state import DebateState
from conversations.orchestration.verdict import Percent, Text, filled, form
from conversations.prompts import supervisor
from conversations.providers import circuit_breaker, pricing
from conversations.providers.catalog import BUILT_IN, Provider
from conversations.providers.provider_errors import UNBILLED

logger = structlog.get_logger(__name__)

# Per cent. Below, the default team takes the question.
SURE: Final = 60
MAX_REASON: Final = 300
# Seconds that a question waits for the supervisor.
PATIENCE: Final = 5.0

_NO_ANSWER: Final = "The supervisor did not answer."


def _known(slug: str) -> str:
    if slug not in supervisor.TEAMS:
        raise ValueError(f"must be one of {', '.join(supervisor.TEAMS)}")
    return slug


class TeamChoice(BaseModel):
    """The team for a question."""

    model_config = ConfigDict(extra="forbid")

    team: Annotated[
        str,
        BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value),
        AfterValidator(_known),
        WithJsonSchema({"type": "string", "enum": [*supervisor.TEAMS]}),
    ]
    reason: Annotated[Text, AfterValidator(filled)] = Field(description="Why, in one sentence.")
    confidence_percent: Percent


_FORM: Final = form(TeamChoice)


async def route(state: DebateState, budget: BudgetGuard) -> Routing:
    """Who answers the question, and why; calls a model only where nothing else decides. Raises nothing of the model's:
    without its answer, the default team takes the question. Raises LogUnavailable."""
    if not state.is_automatic:
        return Routing(panel=state.panel.slug, reason="chosen_at_start", by=RoutedBy.PERSON)
    question = state.question
    instrument = question.record.instrument if question.record is not None else None
    found = decide(
        question.topic,
        instrument="" if instrument is None else instrument.symbol,
        has_text=bool(question.texts),
        follows=question.earlier is not None,
        has_data=state.data is not None and state.providers[0].kind not in BUILT_IN,
    )
    if found is not None:
        return Routing(panel=found.panel, reason=found.reason, by=RoutedBy.RULES)
    if state.providers[0].kind in BUILT_IN:
        return _default("No rule decides, and this model does not choose a team.")
    provider = await _available(state.providers)
    return _default(_NO_ANSWER) if provider is None else await _supervised(state, provider, budget)


async def _available(providers: Sequence[Provider]) -> Provider | None:
    """The first model that may be called now."""
    for provider in providers:
        if provider.kind in BUILT_IN:
            break
        with suppress(ProviderError):
            await circuit_breaker.admit(provider)
            return provider
    return None


def _default(reason: str) -> Routing:
    return Routing(panel=DEFAULT_PANEL, reason=reason, by=RoutedBy.DEFAULT)


async def _supervised(state: DebateState, provider: Provider, budget: BudgetGuard) -> Routing:
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await _asked(state, provider, budget)
    except OverBudget:
        return _default("The limit does not allow to ask which team fits.")
    except TimeoutError:
        logger.warning("not_routed", provider=provider.label, reason="supervisor_timeout")
        # It may be billed, and nobody knows for how much.
        state.discarded += 1
        return _default(_NO_ANSWER)
    except ProviderError as failure:
        logger.warning("not_routed", provider=provider.label, reason=failure.reason)
        await circuit_breaker.failed(provider, failure)
        if failure.reason not in UNBILLED:
            state.discarded += 1
        return _default(_NO_ANSWER)
    finally:
        # Of a probe without an outcome: lets another call be the probe.
        await circuit_breaker.abandoned(provider)
    await circuit_breaker.succeeded(provider)
    spent = {"usage": answer.usage, "cost": pricing.cost(provider.kind, provider.model, answer.usage)}
    choice = answer.value
    if not isinstance(choice, TeamChoice):
        return _default("The supervisor gave no valid answer.").model_copy(update=spent)
    confidence = Decimal(str(choice.confidence_percent)) / 100
    reason = choice.reason[:MAX_REASON]
    if choice.confidence_percent < SURE:
        unsure = _default(f"The supervisor was not sure: {reason}")
        return unsure.model_copy(update={**spent, "confidence": confidence})
    return Routing(panel=choice.team, reason=reason, by=RoutedBy.SUPERVISOR, confidence=confidence, **spent)


async def _asked(state: DebateState, provider: Provider, budget: BudgetGuard) -> Answer:
    turn = Turn(supervisor.task(state.question), provider, uuid.uuid4(), _FORM, budget, state.measured)
    await turn.reserve()
    async with turn:
        while await turn.next() is not None:
            # Nobody sees how it thinks.
            pass
    # `next` has set it, or raised.
    assert turn.answer is not None  # noqa: S101
    return turn.answer
