"""The token rate of a run."""

import asyncio

# After a silence, a model may make up for at most this much time: short waits do not lower the average rate, and a long
# one causes no burst.
SLACK_SECONDS = 0.25


class TokenRate:
    """Lets token number N pass no earlier than N / rate seconds after the first; at once if the rate is None."""

    def __init__(self, tokens_per_second: float | None) -> None:
        self._rate = tokens_per_second
        self._due: float | None = None

    async def wait(self, tokens: int = 1) -> None:
        """Return when so many more tokens may pass."""
        if self._rate is None:
            return
        now = asyncio.get_running_loop().time()
        since = now if self._due is None else self._due
        self._due = max(since, now - SLACK_SECONDS) + tokens / self._rate
        if self._due > now:
            await asyncio.sleep(self._due - now)
