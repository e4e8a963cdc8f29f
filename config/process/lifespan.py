"""What starts and stops with a process that serves or works, whichever server it has.

1. `begin`, once the process is about to serve: its settings and stores have been checked (preflight).
2. `end`, once it is told to stop: debates are handed over, watchers are closed, what is unsent is sent.
"""

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

# New objects after which Python collects its youngest generation. Its default of 700 is some 30 tokens' worth.
_YOUNG_OBJECTS: Final = 20_000


def settle() -> None:
    """Exclude all objects that exist now from garbage collection: each full collection would go through them, and
    every live token would wait 0.1 s for it."""
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
    """Start what goes with running debates: the outbox, and the local model where a provider needs it and no other
    process of this machine has started it."""
    _start_local_model()
    sender.begin()


def _start_local_model() -> None:
    try:
        configured = catalog.configured()
        if catalog.uses_local_model(configured) and not local_service.is_available():
            local_service.require()
        local_service.take_over()
    except (ProviderError, ValueError) as failure:
        # Debates go on with the other providers.
        logger.warning("local_model_not_started", reason=str(failure))


def end() -> "asyncio.Future[None]":
    """Hand over the debates to other processes, and send the watchers there. It is done once, however often it is
    called; the future is done when it is."""
    return _endings.here()


async def _end() -> None:
    for step in (runner.hand_over, _close_watchers, sender.end, _end_telemetry):
        try:
            await step()
        except Exception:
            # The later steps are done all the same.
            logger.exception("end_failed", step=step.__name__)


_endings: "PerLoop[asyncio.Future[None]]" = PerLoop(lambda: asyncio.ensure_future(_end()))


async def _close_watchers() -> None:
    await registry().close_all(Close.RESTART)


async def _end_telemetry() -> None:
    await asyncio.to_thread(tracing.end)


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI lifespan. Daphne does not speak it: `serve --server daphne` calls `begin` and `end` itself."""
    with ExitStack() as signals:
        while True:
            match (await receive())["type"]:
                case "lifespan.startup":
                    if failures := await asyncio.to_thread(preflight.failures):
                        await send({"type": "lifespan.startup.failed", "message": failures})
                        return
                    begin()
                    signals.enter_context(shutdown.on_signals(end))
                    await send({"type": "lifespan.startup.complete"})
                case "lifespan.shutdown":
                    await end()
                    await asyncio.to_thread(local_service.release)
                    appender.close()
                    await send({"type": "lifespan.shutdown.complete"})
                    return
