"""Who may speak: the configured providers in order of preference, and the demo as the last resort."""

from collections.abc import Sequence

from django.conf import settings

from conversations.domain.enums import Mode
from conversations.providers import catalog, circuit_breaker
from conversations.providers.catalog import DEMO, Provider
from conversations.providers.circuit_breaker import State


def lineup() -> Sequence[Provider]:
    """The providers in the order in which they are asked. Raises ValueError where OUTCRY_PROVIDERS is wrong."""
    configured = list(catalog.configured())
    if settings.OUTCRY_DEMO_FALLBACK and DEMO not in configured:
        configured.append(DEMO)
    return configured


def live() -> Sequence[Provider]:
    """Those with a real model."""
    return [provider for provider in lineup() if provider.mode is Mode.LIVE]


def live_is_down() -> bool:
    """Whether there are real models, and the circuit of each is open: a debate that began now would not hear one."""
    standings = circuit_breaker.standing_now(live())
    return bool(standings) and all(standing.state is State.OPEN for standing in standings)
