"""Failover: tries the providers of a turn in order of preference, until one has answered completely."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conversations.domain.enums import Mode
from conversations.domain.errors import ProviderError
from conversations.domain.events import Fallback
from conversations.providers import circuit_breaker
from conversations.providers.catalog import Provider

# If only rate-limited providers are left, a turn waits for the one whose limit ends first: for at most this many
# seconds, and at most this many times.
LONGEST_WAIT_SECONDS: Final = 15.0
MAX_WAITS: Final = 2
# Failures of the local model after which its process is started again.
_RESTARTED: Final = frozenset({"provider_dropped", "provider_unreachable"})


@dataclass(frozen=True)
class Choice:
    """The provider to call after `wait` seconds. `fallback` is the event to store if it replaces another provider."""

    provider: Provider
    fallback: Fallback | None = None
    wait: float = 0.0


class Failover:
    """Chooses the provider of a turn. In this order, until one has succeeded:

    1. `next` chooses a provider.
    2. `answering` when its answer begins.
    3. `succeeded`, `failed` or `abandoned` when the call is over.

    `last` is the previous turn's provider; a `fallback` event announces that another one replaces it."""

    def __init__(self, providers: Sequence[Provider], last: Provider) -> None:
        self._providers = providers
        self._live = [provider for provider in providers if provider.mode is Mode.LIVE]
        self._last = last
        self._current: Provider | None = None
        self._failures: dict[Provider, ProviderError] = {}
        # Providers that are called a second time, even if the first call has opened their circuits.
        self._retried: set[Provider] = set()
        self._waits = 0

    async def next(self) -> Choice:
        """The provider to call now. Raises ProviderError when none is left."""
        for provider in self._providers:
            if provider in self._failures:
                continue
            if provider.mode is Mode.DEMO and (choice := self._rate_limited()) is not None:
                return choice
            if await self._is_admitted(provider):
                return Choice(provider, self._fallback(provider))
        if (choice := self._rate_limited()) is not None:
            return choice
        raise self._exhausted()

    def has_another_live(self) -> bool:
        """Whether a live provider other than the current one is left."""
        return self._current is not None and self._others(self._current)

    async def answering(self) -> None:
        if self._current is not None and self._current.mode is Mode.LIVE:
            await circuit_breaker.answering(self._current)

    async def succeeded(self) -> None:
        if (current := self._take_current()) is not None and current.mode is Mode.LIVE:
            await circuit_breaker.succeeded(current)

    async def failed(self, failure: ProviderError, *, held: bool, begun: bool) -> None:
        """The call failed. `held`: we had stopped reading for a while. `begun`: a part of the answer had arrived."""
        current = self._take_current()
        if current is None:
            return
        if current.mode is Mode.LIVE:
            # If we had stopped reading, the failure does not mean that the provider is down.
            await (circuit_breaker.abandoned(current) if held else circuit_breaker.failed(current, failure))
        if current not in self._retried and self._is_worth_a_retry(current, failure, held=held, begun=begun):
            self._retried.add(current)
        else:
            self._failures[current] = failure

    async def abandoned(self) -> None:
        """The turn was cancelled before the call was over."""
        if (current := self._take_current()) is not None and current.mode is Mode.LIVE:
            await circuit_breaker.abandoned(current)

    def _take_current(self) -> Provider | None:
        current, self._current = self._current, None
        return current

    def _is_worth_a_retry(
        self, current: Provider, failure: ProviderError, *, held: bool, begun: bool
    ) -> bool:
        if failure.reason == "provider_timeout":
            # It was given all the time there is; whoever watches should not wait for it again.
            others = [each for each in self._providers if each != current and each not in self._failures]
            return begun and not others
        if held:
            return failure.retryable
        if current.kind == "local":
            return failure.reason in _RESTARTED
        # The provider was answering until now, and no other live one is left.
        return begun and failure.retryable and not self._others(current)

    def _others(self, speaker: Provider) -> bool:
        return any(other != speaker and other not in self._failures for other in self._live)

    async def _is_admitted(self, provider: Provider) -> bool:
        if provider.mode is Mode.LIVE and provider not in self._retried:
            try:
                await circuit_breaker.admit(provider)
            except ProviderError as failure:
                self._failures[provider] = failure
                return False
        self._current = provider
        return True

    def _rate_limited(self) -> Choice | None:
        """The provider whose rate limit ends first, if a turn may wait that long."""
        waits = [
            (failure.retry_after, place, provider)
            for place, provider in enumerate(self._live)
            if (failure := self._failures.get(provider)) is not None
            and failure.reason == "provider_rate_limited"
            and failure.retry_after is not None
            and failure.retry_after <= LONGEST_WAIT_SECONDS
        ]
        if not waits or self._waits >= MAX_WAITS:
            return None
        self._waits += 1
        seconds, _, provider = min(waits)
        failure = self._failures.pop(provider)
        self._retried.add(provider)
        self._current = provider
        sentence = f"{failure.message} It is asked again in {max(1, round(seconds or 0))} s."
        before, self._last = self._last, provider
        return Choice(provider, _fallback_event(before, provider, failure.reason, sentence), seconds or 0.0)

    def _fallback(self, provider: Provider) -> Fallback | None:
        """The event if the provider replaces a preferred one that has failed, else None."""
        before, self._last = self._last, provider
        if provider == before or not self._failures:
            return None
        places = {each: place for place, each in enumerate(self._providers)}
        if places[provider] < places.get(before, -1):
            return None
        failure = self._failures.get(before) or [*self._failures.values()][-1]
        return _fallback_event(before, provider, failure.reason, failure.message)

    def _exhausted(self) -> ProviderError:
        failures = list(self._failures.items())
        if len(failures) == 1:
            return failures[0][1]
        reasons = " ".join(f"{provider.label}: {failure.message}" for provider, failure in failures)
        return ProviderError(
            "providers_exhausted",
            f"No model could speak. {reasons}",
            retryable=any(failure.retryable for _, failure in failures),
        )


def _fallback_event(before: Provider, after: Provider, code: str, reason: str) -> Fallback:
    return Fallback.model_validate({"from": before.label, "to": after.label, "code": code, "reason": reason})
