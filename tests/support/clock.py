"""Time that passes at once: the event loop's clock is set forward, and its timers run."""

import asyncio


async def advance(seconds: float) -> None:
    """Set the running loop's clock forward, and let everything run whose timer is then due."""
    loop = asyncio.get_running_loop()
    clock = loop.time
    loop.time = lambda: clock() + seconds  # type: ignore[method-assign]
    await settled()


async def settled() -> None:
    """Return once no callback or task of the running loop is ready to run. Threads may still be at work."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    for _ in range(10_000):
        await asyncio.sleep(0)
        if not ready:
            return
    raise TimeoutError("The event loop does not come to rest.")
