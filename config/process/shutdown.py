"""What is done at once when a process is told to stop, before its server does what servers do then.

uvicorn waits for open streams to end before it says `lifespan.shutdown`, and those of a debate end when it does.
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


class Once:
    """Work that is done once, however often it is begun."""

    def __init__(self, work: Callable[[], "asyncio.Future[None]"]) -> None:
        self._work = work
        self._begun: asyncio.Future[None] | None = None

    def begin(self) -> "asyncio.Future[None]":
        """In the event loop; whoever wants its end awaits the answer."""
        if self._begun is None:
            self._begun = self._work()
        return self._begun


@contextmanager
def heard(begin: Callable[[], object]) -> Iterator[None]:
    """Meanwhile SIGTERM and SIGINT call `begin` in the running event loop, and then go on to whoever took them before.

    A signal that nobody took keeps its default. Outside the main thread Python takes none, and nothing is changed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {stop: signal.getsignal(stop) for stop in STOPS}

    def hear(number: int, frame: FrameType | None) -> None:
        if not loop.is_closed():
            # A context of its own: the signal came in the midst of somebody else's work.
            loop.call_soon_threadsafe(begin, context=contextvars.Context())
        taker = before[signal.Signals(number)]
        if callable(taker):
            taker(number, frame)

    for stop, taker in before.items():
        if callable(taker):
            signal.signal(stop, hear)
    try:
        yield
    finally:
        for stop, taker in before.items():
            # The server may have put back its own already.
            if signal.getsignal(stop) is hear:
                signal.signal(stop, taker)
