"""Provider selection: the configured providers in order of preference, and the demo as the last resort."""

from collections.abc import Sequence

from django.conf import settings

from conversations.domain.enums import Mode
from conversations.providers import catalog, circuit_breaker
from conversations.providers.catalog import DEMO, Provider
from conversations.providers.circuit_breaker import State


def by_preference() -> Sequence[Provider]:
    """The providers in the order in which a turn tries them. Raises ValueError if OUTCRY_PROVIDERS is invalid."""
    configured = list(catalog.configured())
    if settings.OUTCRY_DEMO_FALLBACK and DEMO not in configured:
        configured.append(DEMO)
    return configured


def live() -> Sequence[Provider]:
    """The live providers, in the same order."""
    return [provider for provider in by_preference() if provider.mode is Mode.LIVE]


def live_is_down() -> bool:
    """Whether there are live providers, and the circuits of all are open. Reads the cache."""
    statuses = circuit_breaker.statuses(live())
    return bool(statuses) and all(status.state is State.OPEN for status in statuses)
