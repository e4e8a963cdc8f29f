"""What begins and ends with a serving process, whichever server it is."""

import asyncio
import gc
from contextlib import ExitStack
from typing import Any, Final

import structlog

from config.observability import tracing
from config.process import preflight, shutdown
from conversations.domain.errors import ProviderError
from conversations.event_log import appender
from conversations.infrastructure.event_loop import PerLoop
from conversations.local_model import supervisor as local_service
from conversations.outbox import sender
from conversations.providers import catalog
from conversations.runs import job_queue
from conversations.runs import supervisor as runner
from streaming.watchers.registry import registry
from streaming.wire.close_codes import Close

logger = structlog.get_logger(__name__)

# How many new objects there are before the youngest are looked through; Python's 700 is some 30 tokens' worth.
_YOUNG_OBJECTS: Final = 20_000


def settle() -> None:
    """Let what is loaded by now stay: otherwise each full collection would look through all of it, and every live word
    would wait a tenth of a second for that."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)


def begin() -> None:
    """Adopt debates that no process runs, and do what goes with it; with workers, that is theirs. Call it in the event
    loop that serves."""
    settle()
    tracing.begin("web")
    if not job_queue.is_used():
        assist()
        runner.adopt_orphans()


def assist() -> None:
    """Beside running debates: hand over those that have ended, and start the local model where it is to speak and no
    other process of this machine has started it."""
    _start_local_model()
    sender.begin()


def _start_local_model() -> None:
    try:
        configured = catalog.configured()
        if catalog.uses_local_model(configured) and not local_service.is_available():
            local_service.require()
        local_service.take_over()
    except (ProviderError, ValueError) as failure:
        # The other providers speak.
        logger.warning("local_model_not_started", reason=str(failure))


def end() -> "asyncio.Future[None]":
    """Hand over the debates to other processes, and send the watchers there. It is done once, however often it is
    called; the future is done when it is."""
    return _endings.here().begin()


async def _end() -> None:
    for step in (runner.hand_over, _send_watchers_away, sender.end, _end_telemetry):
        try:
            await step()
        except Exception:
            # What comes after it is owed to others.
            logger.exception("end_failed", step=step.__name__)


_endings = PerLoop(lambda: shutdown.Once(lambda: asyncio.ensure_future(_end())))


async def _send_watchers_away() -> None:
    await registry().close_all(Close.RESTART)


async def _end_telemetry() -> None:
    await asyncio.to_thread(tracing.end)


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI lifespan. Daphne does not speak it: `serve --server daphne` calls `begin` and `end` itself."""
    with ExitStack() as held:
        while True:
            match (await receive())["type"]:
                case "lifespan.startup":
                    if mistakes := await asyncio.to_thread(preflight.wrong):
                        await send({"type": "lifespan.startup.failed", "message": mistakes})
                        return
                    begin()
                    held.enter_context(shutdown.heard(end))
                    await send({"type": "lifespan.startup.complete"})
                case "lifespan.shutdown":
                    await end()
                    await asyncio.to_thread(local_service.release)
                    appender.close()
                    await send({"type": "lifespan.shutdown.complete"})
                    return
