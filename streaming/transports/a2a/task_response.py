"""The response that follows a task: a stream of its updates, or the whole task once it is settled."""

import asyncio
import contextlib
import json
from functools import partial
from typing import Any, Final
from uuid import UUID

from a2a.types import Task
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conversations.access.principals import Principal
from conversations.domain.frames import Frame
from streaming.http.stream_response import KEEPALIVE_COMMENT, StreamResponse
from streaming.transports.a2a import task
from streaming.transports.a2a.agent import Following
from streaming.transports.a2a.bindings import Rest
from streaming.transports.a2a.task import SETTLED, TaskSnapshot
from streaming.transports.a2a.task_store import TRANSPORT
from streaming.wire.close_codes import Close

# 3 s: the SDK's client gives up after 5 s without a byte, unless it was configured otherwise.
KEEPALIVE_SECONDS: Final = 3.0


def task_response(principal: Principal, following: Following, binding: Rest) -> ASGIApp:
    """The response to the principal, in the form of the binding."""
    snapshot = following.snapshot
    respond = partial(StreamResponse, TRANSPORT, principal, UUID(snapshot.task.id), snapshot.head)
    if not following.waits:
        return respond(UpdatesEncoder(snapshot, binding))
    encoder = WholeEncoder(following, binding)
    response = respond(encoder, stop=encoder.settled, content_type=binding.content_type)
    if not binding.has_http_status:
        return response

    async def respond_late(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, _LateStatus(encoder, send))

    return respond_late


class _LateStatus:
    """The `send` of a whole answer by HTTP+JSON. The status code depends on the outcome, so the headers are sent with
    the first bytes. A keep-alive sends them as 200; if the answer fails later, the connection is dropped, because the
    client could not recognise the failure otherwise."""

    def __init__(self, encoder: "WholeEncoder", send: Send) -> None:
        self._encoder = encoder
        self._send = send
        self._start: Message | None = None
        self._status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            self._status = self._encoder.http_status
            await self._send({**start, "status": self._status})
        elif self._status != self._encoder.http_status:
            raise ConnectionAbortedError("The answer broke off.")
        await self._send(message)


class UpdatesEncoder:
    """Encodes a stream: Server-Sent Events, the task as it is first, then its updates."""

    keepalive = (KEEPALIVE_SECONDS, KEEPALIVE_COMMENT)

    def __init__(self, snapshot: TaskSnapshot, binding: Rest) -> None:
        self._updates = snapshot.updates
        self._binding = binding
        self._first: Task | None = snapshot.task

    def event(self, frame: Frame) -> bytes:
        return b"".join(_event(self._binding.update(update)) for update in self._updates.take(frame))

    def control(self, frame: Frame) -> bytes:
        """For the first frame, which is the hello, the task; nothing for later ones."""
        first, self._first = self._first, None
        return b"" if first is None else _event(self._binding.update(first))

    def end(self, reason: Close) -> bytes:
        """An error, unless the task has ended."""
        if reason is Close.ENDED:
            return b""
        return b"event: error\n" + _event(self._binding.error(reason))


class WholeEncoder:
    """Encodes one answer, when the task is settled. `http_status` is 200 unless the answer failed."""

    # JSON may begin with white space.
    keepalive = (KEEPALIVE_SECONDS, b"\n")

    def __init__(self, following: Following, binding: Rest) -> None:
        self.http_status = 200
        self._following = following
        self._task = following.snapshot.task
        self._is_settled = asyncio.Event()
        self._binding = binding

    async def settled(self) -> None:
        """Return once the task is settled, or the time of the answer is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._following.seconds):
                await self._is_settled.wait()

    def event(self, frame: Frame) -> bytes:
        """Update the task; events after it has settled are ignored."""
        if not self._is_settled.is_set():
            task.apply(self._task, self._following.snapshot.updates.take(frame))
            if frame.type == "status" and self._task.status.state in SETTLED:
                self._is_settled.set()
        return b""

    def control(self, frame: Frame) -> bytes:
        return b""

    def end(self, reason: Close) -> bytes:
        """The task, or an error if it broke off."""
        if reason is Close.ENDED:
            return _json(self._binding.whole(self._task, is_reply=self._following.is_reply))
        self.http_status = reason.http_status
        return _json(self._binding.error(reason))


def _event(item: dict[str, Any]) -> bytes:
    return b"data: " + _json(item) + b"\n\n"


def _json(item: dict[str, Any]) -> bytes:
    # ASCII: the SDK's client takes some other characters for line ends.
    return json.dumps(item, separators=(",", ":")).encode()
