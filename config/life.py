"""What begins and ends with a serving process, whichever server it is."""

import gc
from typing import Any, Final

from conversations import chunks, log, runner
from streaming.closing import Close
from streaming.registry import registry

# How many new objects there are before the youngest are looked through; Python's 700 is some 30 tokens' worth.
_YOUNG_OBJECTS: Final = 20_000


def settle() -> None:
    """Let what is loaded by now stay: otherwise each full collection would look through all of it, and every live word
    would wait a tenth of a second for that."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)


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
                chunks.warm_up()
                settle()
                begin()
                await send({"type": "lifespan.startup.complete"})
            case "lifespan.shutdown":
                await end()
                log.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
