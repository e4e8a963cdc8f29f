"""One turn's way through the providers: each in order of preference, until one has spoken it to its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conversations.domain.enums import Mode
from conversations.domain.errors import ProviderError
from conversations.domain.events import Fallback
from conversations.providers import circuit_breaker
from conversations.providers.catalog import Provider

# A limit of our rate that is over by then is waited for, if nobody else is left to ask; and so often in a turn.
LONGEST_WAIT_SECONDS: Final = 15.0
MAX_WAITS: Final = 2
# Said of a process of our own that has died: it is started again.
_RESTARTED: Final = frozenset({"provider_dropped", "provider_unreachable"})


@dataclass(frozen=True)
class Choice:
    """Who speaks, after `wait` seconds; `fallback` tells it where that is somebody else than expected."""

    provider: Provider
    fallback: Fallback | None = None
    wait: float = 0.0


class Failover:
    """Ask `next` who speaks, and tell it how that went, until it has gone well.

    `last` is who spoke before this turn: who takes its place is told as a `fallback`."""

    def __init__(self, providers: Sequence[Provider], last: Provider) -> None:
        self._providers = providers
        self._live = [provider for provider in providers if provider.mode is Mode.LIVE]
        self._demo = next((provider for provider in providers if provider.mode is Mode.DEMO), None)
        self._last = last
        self._speaker: Provider | None = None
        self._failures: dict[Provider, ProviderError] = {}
        self._again: set[Provider] = set()
        self._waits = 0

    async def next(self) -> Choice:
        """Who speaks. Raises ProviderError when nobody is left."""
        for provider in self._providers:
            if provider in self._failures:
                continue
            if provider.mode is Mode.DEMO and (waited := self._rate_limited()) is not None:
                return waited
            if await self._is_admitted(provider):
                return Choice(provider, self._fallback(provider))
        if (waited := self._rate_limited()) is not None:
            return waited
        raise self._exhausted()

    def has_another_live(self) -> bool:
        """Whether a real model is left beside the one that speaks."""
        return self._speaker is not None and self._others(self._speaker)

    async def speaking(self) -> None:
        """The speaker has begun."""
        if self._speaker is not None and self._speaker.mode is Mode.LIVE:
            await circuit_breaker.speaking(self._speaker)

    async def worked(self) -> None:
        """The speaker has come to its end."""
        speaker, self._speaker = self._speaker, None
        if speaker is not None and speaker.mode is Mode.LIVE:
            await circuit_breaker.worked(speaker)

    async def failed(self, failure: ProviderError, *, held: bool, begun: bool) -> None:
        """The speaker has failed: `held` if we had kept it waiting, `begun` if it had said something."""
        speaker, self._speaker = self._speaker, None
        if speaker is None:
            return
        if speaker.mode is Mode.LIVE:
            # That it did not wait for us tells nothing of it.
            await (circuit_breaker.unknown(speaker) if held else circuit_breaker.failed(speaker, failure))
        if speaker not in self._again and self._deserves_another(speaker, failure, held=held, begun=begun):
            self._again.add(speaker)
        else:
            self._failures[speaker] = failure

    async def left(self) -> None:
        """Nobody waits for the speaker any more."""
        speaker, self._speaker = self._speaker, None
        if speaker is not None and speaker.mode is Mode.LIVE:
            await circuit_breaker.unknown(speaker)

    def _deserves_another(
        self, speaker: Provider, failure: ProviderError, *, held: bool, begun: bool
    ) -> bool:
        if held:
            # By a pause or by the log: that it did not wait is not its fault.
            return failure.retryable
        if speaker.kind == "local":
            return failure.reason in _RESTARTED
        # What spoke a moment ago is worth one more try before there is only the demo, or nobody.
        return begun and failure.retryable and not self._others(speaker)

    def _others(self, speaker: Provider) -> bool:
        return any(other != speaker and other not in self._failures for other in self._live)

    async def _is_admitted(self, provider: Provider) -> bool:
        if provider.mode is Mode.LIVE and provider not in self._again:
            try:
                await circuit_breaker.admit(provider)
            except ProviderError as failure:
                self._failures[provider] = failure
                return False
        self._speaker = provider
        return True

    def _rate_limited(self) -> Choice | None:
        """The provider whose limit is over soonest, if that is soon."""
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
        self._again.add(provider)
        self._speaker = provider
        sentence = f"{failure.message} It is asked again in {max(1, round(seconds or 0))} s."
        before, self._last = self._last, provider
        return Choice(provider, _told(before, provider, failure.reason, sentence), seconds or 0.0)

    def _fallback(self, provider: Provider) -> Fallback | None:
        """Told where the speaker is not the one before, and somebody who is preferred has failed."""
        before, self._last = self._last, provider
        if provider == before or not self._failures:
            return None
        places = {each: place for place, each in enumerate(self._providers)}
        if places[provider] < places.get(before, -1):
            return None
        failure = self._failures.get(before) or [*self._failures.values()][-1]
        return _told(before, provider, failure.reason, failure.message)

    def _exhausted(self) -> ProviderError:
        failures = list(self._failures.items())
        if len(failures) == 1:
            return failures[0][1]
        told = " ".join(f"{provider.label}: {failure.message}" for provider, failure in failures)
        return ProviderError(
            "providers_exhausted",
            f"No model could speak. {told}",
            retryable=any(f.retryable for _, f in failures),
        )


def _told(before: Provider, after: Provider, code: str, reason: str) -> Fallback:
    return Fallback.model_validate({"from": before.label, "to": after.label, "code": code, "reason": reason})
