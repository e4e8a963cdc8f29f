"""A browser's WebSocket, for tests: signed in as somebody, on the real ASGI application."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from conversations.infrastructure import database
from conversations.models import Conversation
from tests.fakes.waiting import PATIENCE_SECONDS

Frame = dict[str, Any]
Headers = Sequence[tuple[bytes, bytes]]


@dataclass
class Browser:
    """One connection. `closed` is the code the server closed with."""

    socket: WebsocketCommunicator
    frames: list[Frame] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    closed: int | None = None

    async def next(self) -> Frame | None:
        """The next frame, or None when the server closed."""
        output = await self.socket.receive_output(timeout=PATIENCE_SECONDS)
        if output["type"] == "websocket.close":
            self.closed = output["code"]
            return None
        assert output["type"] == "websocket.send"
        self.texts.append(output["text"])
        self.frames.append(json.loads(output["text"]))
        return self.frames[-1]

    async def until(self, type_: str, **data: Any) -> Frame:
        """Read on to the first frame of this type with these values."""
        while (frame := await self.next()) is not None:
            if frame["type"] == type_ and data.items() <= frame["data"].items():
                return frame
        raise AssertionError(f"closed with {self.closed} before {type_} {data}")

    async def until_closed(self) -> list[Frame]:
        """All frames, to the close."""
        while await self.next() is not None:
            pass
        return self.frames

    async def send(self, text: str | None = None, **frame: Any) -> None:
        text = json.dumps(frame) if text is None else text
        await self.socket.send_input({"type": "websocket.receive", "text": text})

    async def leave(self) -> None:
        """Close the tab."""
        await self.socket.disconnect(timeout=PATIENCE_SECONDS)


def path_of(conversation: Conversation, after: object = None) -> str:
    return conversation.ws_url + ("" if after is None else f"?after={after}")


def _cookie(person: User) -> str:
    client = Client()
    client.force_login(person)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


@asynccontextmanager
async def browser(
    person: User | None, path: str, *, origin: str | None = "http://localhost", accepted: bool = True
) -> AsyncIterator[Browser]:
    """A connection that `person` (or nobody) opens from a page of `origin`; closed at the end if it is still open."""
    headers = [(b"host", b"localhost")]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if person is not None:
        headers.append((b"cookie", (await database.call(_cookie, person)).encode()))
    async with _opened(path, headers, accepted=accepted) as opened:
        yield opened


@asynccontextmanager
async def program(
    key: str | None, path: str, *, header: str = "authorization", more: Headers = ()
) -> AsyncIterator[Browser]:
    """A connection that a program opens with a key, without a cookie or an Origin."""
    value = f"Bearer {key}" if header == "authorization" else key
    named = [] if value is None else [(header.encode(), value.encode())]
    async with _opened(path, [(b"host", b"localhost"), *named, *more], accepted=True) as opened:
        yield opened


@asynccontextmanager
async def _opened(path: str, headers: Headers, *, accepted: bool) -> AsyncIterator[Browser]:
    from config.asgi import application

    socket = WebsocketCommunicator(application, path, headers=[*headers])
    connected, _ = await socket.connect(timeout=PATIENCE_SECONDS)
    assert connected is accepted
    opened = Browser(socket)
    try:
        yield opened
    finally:
        await opened.leave()
