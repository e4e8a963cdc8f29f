"""What begins and ends with a serving process, whichever server it is."""

from typing import Any

from conversations import log, runner
from streaming.closing import Close
from streaming.registry import registry


def begin() -> None:
    """Take up debates that have nobody who runs them. Call it in the event loop that serves."""
    runner.adopt_orphans()


async def end() -> None:
    """Leave every debate where it stands, for another process to go on, and send the watchers there."""
    await runner.hand_over()
    await registry().close_all(Close.RESTART)


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI lifespan, for servers that speak it. Daphne does not: `manage.py serve` calls the same functions."""
    while True:
        match (await receive())["type"]:
            case "lifespan.startup":
                begin()
                await send({"type": "lifespan.startup.complete"})
            case "lifespan.shutdown":
                await end()
                log.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
