"""The turnstile: so many handshakes at once, and no place is lost."""

import asyncio
from typing import Any

import pytest

from streaming.middleware import admission
from streaming.middleware.admission import Turnstile
from tests.fakes.waiting import PATIENCE_SECONDS, Signal


class Application:
    """Stands in its handshake until it is let through; then it accepts, or refuses, or fails."""

    def __init__(self) -> None:
        self.inside = self.most = self.done = 0
        self.changed = Signal()
        self.gate = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.changed.notify()
        await self.gate.wait()
        self.inside -= 1
        if scope["ends"] == "fails":
            raise LookupError
        await send({"type": f"websocket.{scope['ends']}"})
        self.done += 1
        self.changed.notify()
        # An accepted socket stays for as long as it likes.
        if scope["ends"] == "accept":
            await asyncio.Event().wait()


async def _nothing(*_: object) -> None:
    pass


@pytest.mark.parametrize("ends", ["accept", "close", "fails"])
async def test_no_more_than_allowed_are_in_their_handshake(
    ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "AT_ONCE", 3)
    application = Application()
    entrance = Turnstile(application)
    coming = [asyncio.create_task(entrance({"ends": ends}, None, _nothing)) for _ in range(10)]
    try:
        await application.changed.until(lambda: application.inside == 3)
        application.gate.set()
        if ends == "accept":
            # The others stay, and keep nobody out.
            await application.changed.until(lambda: application.done == 10)
        else:
            await asyncio.wait(coming, timeout=PATIENCE_SECONDS)
            assert all(task.done() for task in coming)
        assert application.most == 3
    finally:
        for task in coming:
            task.cancel()
        await asyncio.gather(*coming, return_exceptions=True)


async def test_who_gives_up_in_the_handshake_leaves_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "AT_ONCE", 1)
    application = Application()
    entrance = Turnstile(application)
    first = asyncio.create_task(entrance({"ends": "close"}, None, _nothing))
    await application.changed.until(lambda: application.inside == 1)
    second = asyncio.create_task(entrance({"ends": "close"}, None, _nothing))
    first.cancel()
    await asyncio.wait([first])
    application.gate.set()
    await asyncio.wait_for(second, PATIENCE_SECONDS)
