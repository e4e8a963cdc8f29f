"""A conversation's speed limit, in tokens a second."""

import asyncio

# Behind by more than this, the model was silent: what it did not use in that time is gone, and there is no burst.
SLACK_SECONDS = 0.25


class TokenThrottle:
    """Token number N is let through no sooner than N / rate seconds after the first came; without a rate, at once."""

    def __init__(self, tokens_per_second: float | None) -> None:
        self._rate = tokens_per_second
        self._due: float | None = None

    async def wait(self, tokens: int = 1) -> None:
        """Return when that many more tokens may follow."""
        if self._rate is None:
            return
        now = asyncio.get_running_loop().time()
        since = now if self._due is None else self._due
        # Late by little is made up for, so that many short waits add up to the rate.
        self._due = max(since, now - SLACK_SECONDS) + tokens / self._rate
        if self._due > now:
            await asyncio.sleep(self._due - now)
