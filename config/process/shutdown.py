"""Work that has to begin when a process gets a signal to stop, and not only at ASGI's `lifespan.shutdown`.

uvicorn sends `lifespan.shutdown` after all open responses have ended. Those that stream a debate end only because of
the work that is done here.
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
    """Within the context SIGTERM and SIGINT call `begin` in the running event loop, and then the handlers that were
    there before.

    A signal without a handler keeps its default. Outside the main thread Python handles none, and nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in STOPS}

    def handle(number: int, frame: FrameType | None) -> None:
        if not loop.is_closed():
            # An empty context: the signal has interrupted unrelated code, whose context is not the work's.
            loop.call_soon_threadsafe(begin, context=contextvars.Context())
        previous = before[signal.Signals(number)]
        if callable(previous):
            previous(number, frame)

    for number, previous in before.items():
        if callable(previous):
            signal.signal(number, handle)
    try:
        yield
    finally:
        for number, previous in before.items():
            # The server may have restored its own handler already.
            if signal.getsignal(number) is handle:
                signal.signal(number, previous)
