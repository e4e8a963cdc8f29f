"""Work that has to begin when a process receives a stop signal, before ASGI's `lifespan.shutdown`.

uvicorn sends `lifespan.shutdown` only after all open responses have ended, and responses that stream a debate end only
through this work.
"""

import asyncio
import contextvars
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOPS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_signals(begin: Callable[[], object]) -> Iterator[None]:
    """Context in which SIGTERM and SIGINT call `begin` in the running event loop, and then the previous handlers.

    A signal without a handler keeps its default. Outside the main thread, where Python handles no signals, this does
    nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: handler for number in STOPS if callable(handler := signal.getsignal(number))}

    def handle(number: int, frame: FrameType | None) -> None:
        if not loop.is_closed():
            # An empty context, because the signal has interrupted unrelated code.
            loop.call_soon_threadsafe(begin, context=contextvars.Context())
        before[signal.Signals(number)](number, frame)

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, previous in before.items():
            # The server may already have restored its own handler.
            if signal.getsignal(number) is handle:
                signal.signal(number, previous)
