"""When the next event of a run may be stored."""

import asyncio

from conversations.domain.events import EventData, Token
from conversations.event_log.appender import Appender

# A model that was silent for longer than this does not catch up in a burst: the tokens it might have sent are not made
# up for. Less than this is made up for, so that many short waits add up to the rate.
SLACK_SECONDS = 0.25


class TokenRate:
    """Lets token number N pass no sooner than N / rate seconds after the first; at once where the rate is None."""

    def __init__(self, tokens_per_second: float | None) -> None:
        self._rate = tokens_per_second
        self._due: float | None = None

    async def wait(self, tokens: int = 1) -> None:
        """Return when that many more tokens may pass."""
        if self._rate is None:
            return
        now = asyncio.get_running_loop().time()
        since = now if self._due is None else self._due
        self._due = max(since, now - SLACK_SECONDS) + tokens / self._rate
        if self._due > now:
            await asyncio.sleep(self._due - now)


class Throttle:
    """Holds events back: by the token rate, while the run is paused (`gate` is not set), while the log is behind."""

    def __init__(self, tokens_per_second: float | None, gate: asyncio.Event, appender: Appender) -> None:
        self._rate = TokenRate(tokens_per_second)
        self._gate = gate
        self._appender = appender

    async def admit(self, event: EventData) -> None:
        """Return when the event may be stored."""
        if isinstance(event, Token):
            await self._rate.wait(event.token_count)
        await self._appender.room()
        while not self._gate.is_set():
            await self._gate.wait()
            # It may have filled up meanwhile, by other events.
            await self._appender.room()
