"""The response that follows a task: a stream of its updates, or the whole task once it is settled."""

import asyncio
import contextlib
from uuid import UUID

from starlette.types import ASGIApp

from conversations.access.principals import Principal
from conversations.domain.frames import Frame
from streaming.http.stream_response import (
    KEEPALIVE_COMMENT,
    Encoder,
    StreamResponse,
    data_event,
    encode_json,
)
from streaming.transports.a2a import task
from streaming.transports.a2a.agent import Following
from streaming.transports.a2a.bindings import Rest
from streaming.transports.a2a.task import SETTLED, TaskSnapshot
from streaming.transports.a2a.task_store import TRANSPORT
from streaming.wire.close_codes import Close

# 3 s: the SDK's client gives up after 5 s without a byte, unless it was configured otherwise.
KEEPALIVE_SECONDS = 3.0


def task_response(principal: Principal, following: Following, binding: Rest) -> ASGIApp:
    """The response to the principal, in the form of the binding."""
    snapshot = following.snapshot
    conversation = UUID(snapshot.task.id)
    if not following.waits:
        updates = UpdatesEncoder(snapshot, binding)
        return StreamResponse(TRANSPORT, principal, conversation, snapshot.head, updates)
    whole = WholeEncoder(following, binding)
    return StreamResponse(TRANSPORT, principal, conversation, snapshot.head, whole, stop=whole.settled)


class UpdatesEncoder(Encoder):
    """Encodes a stream: Server-Sent Events, the task as it is first, then its updates."""

    keepalive = (KEEPALIVE_SECONDS, KEEPALIVE_COMMENT)

    def __init__(self, snapshot: TaskSnapshot, binding: Rest) -> None:
        self._updates = snapshot.updates
        self._binding = binding
        self._task = snapshot.task

    def event(self, frame: Frame) -> bytes:
        return b"".join(data_event(self._binding.update(update)) for update in self._updates.take(frame))

    def control(self, frame: Frame) -> bytes:
        """The task, for the hello frame; nothing for later ones."""
        return data_event(self._binding.update(self._task)) if frame.type == "hello" else b""

    def end(self, reason: Close) -> bytes:
        """An error, unless the task has ended."""
        if reason is Close.ENDED:
            return b""
        return b"event: error\n" + data_event(self._binding.error(reason))


class WholeEncoder(Encoder):
    """Encodes one answer, when the task is settled."""

    # JSON may begin with white space.
    keepalive = (KEEPALIVE_SECONDS, b"\n")

    def __init__(self, following: Following, binding: Rest) -> None:
        self.content_type = binding.content_type
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

    def end(self, reason: Close) -> bytes:
        """The task, or an error if it broke off."""
        if reason is Close.ENDED:
            return encode_json(self._binding.whole(self._task, is_reply=self._following.is_reply))
        if self._binding.has_http_status:
            self.http_status = reason.http_status
        return encode_json(self._binding.error(reason))
