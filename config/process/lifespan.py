"""Starts and stops the services of a process that serves or works, with any server.

1. `begin` is called before the process serves, after its settings and stores have been checked (preflight).
2. `end` is called when it has to stop: debates are handed over, watchers are closed, the outbox and housekeeping stop,
   spans are exported.
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
from conversations.privacy import housekeeping
from conversations.providers import catalog
from conversations.runs import job_queue
from conversations.runs import supervisor as runner
from streaming.watchers.registry import registry
from streaming.wire.close_codes import Close

logger = structlog.get_logger(__name__)

# New objects after which Python collects its youngest generation. Its default of 700 is reached by about 30 tokens.
_YOUNG_OBJECTS: Final = 20_000


def settle() -> None:
    """Exclude all present objects from garbage collection. Otherwise each full collection would examine them, which
    delays live tokens by 0.1 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)


def begin() -> None:
    """Start adopting debates that no process runs, and the services for running debates, unless workers do that. Call
    it in the event loop that serves."""
    settle()
    tracing.begin("web")
    if not job_queue.is_used():
        assist()
        runner.adopt_orphans()


def assist() -> None:
    """Start the services beside running debates: the outbox, housekeeping, and the local model if a provider needs it
    and no other process on this machine has started it."""
    try:
        if catalog.uses_local_model():
            local_service.require()
    except (ProviderError, ValueError) as failure:
        # Debates use the other providers.
        logger.warning("local_model_not_started", reason=str(failure))
    sender.begin()
    housekeeping.begin()


def end() -> "asyncio.Future[None]":
    """Hand over the debates and the watchers to other processes. Runs once; each call returns the future of its
    completion."""
    return _endings.here()


async def _end() -> None:
    for step in (runner.hand_over, _close_watchers, sender.end, housekeeping.end, _end_telemetry):
        try:
            await step()
        except Exception:
            # Continue with the later steps.
            logger.exception("end_failed", step=step.__name__)


_endings: "PerLoop[asyncio.Future[None]]" = PerLoop(lambda: asyncio.ensure_future(_end()))


async def _close_watchers() -> None:
    await registry().close_all(Close.RESTART)


async def _end_telemetry() -> None:
    await asyncio.to_thread(tracing.end)


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI lifespan. Daphne does not support it: `serve --server daphne` calls `begin` and `end` itself."""
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
