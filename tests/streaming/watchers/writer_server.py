"""A real server for the tests of connection writers: `python -m tests.streaming.watchers.writer_server`.

Reports what happens as lines of JSON. A client says by its path what is to happen to it, once it has sent a message:

/write     all frames, then a close with 1000
/abort     frames until there is no room, then the connection is dropped
/left      frames until there is no room, then the client leaves
/close     frames until there is no room, then a close with 4503 while there is none; "closing" is reported
"""

import asyncio
import json
from typing import Any

import uvicorn

from conversations.domain.frames import Frame
from streaming.watchers.writers import ConnectionWriter, writer_for
from tests.support.frames import frame_of_text

FRAMES = 1_500
# Together more than the system's own buffers between two sockets hold.
TEXT = "€" * 4_000


def report(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def numbered(seq: int) -> Frame:
    # Sizes of all three kinds of lengths that a WebSocket frame may have.
    text = TEXT * (20 if seq % 100 == 0 else 1) if seq % 10 else "short"
    return frame_of_text(seq, json.dumps([seq, text], ensure_ascii=False))


async def write(writer: ConnectionWriter, until_full: bool) -> "asyncio.Future[None] | None":
    """Write all frames; with `until_full` only until there is no room, and return when there will be."""
    waited = 0
    for seq in range(1, FRAMES + 1):
        taken = writer.write(numbered(seq))
        if seq == 1:
            report(first_waits=taken is not None)
        if taken is None:
            continue
        waited += 1
        if waited == 1:
            report(full_after=seq, done=taken.done())
        if until_full:
            return taken
        await taken
    report(written=FRAMES, waited=waited)
    return None


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "websocket":
        return
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    writer = writer_for(send)
    report(
        writer=type(writer).__name__,
        send=f"{send.__module__}.{send.__qualname__}",
    )

    # Where a connection is dropped, the client has read the handshake by then.
    assert (await receive())["type"] == "websocket.receive"

    async def listen() -> None:
        while (message := await receive())["type"] == "websocket.receive":
            report(received=message["text"])
        report(left=True)

    listening = asyncio.create_task(listen())
    try:
        taken = await write(writer, scope["path"] != "/write")
        match scope["path"]:
            case "/write":
                await send({"type": "websocket.close", "code": 1000})
            case "/close":
                report(closing=True)
                await send({"type": "websocket.close", "code": 4503})
            case "/abort":
                writer.abort()
        if taken is not None:
            await asyncio.wait([taken])
            report(
                failure=None if taken.exception() is None else type(taken.exception()).__mro__[-3].__name__
            )
    finally:
        await listening
        report(ended=True)


class Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        report(port=self.servers[0].sockets[0].getsockname()[1])


if __name__ == "__main__":
    Server(
        uvicorn.Config(application, port=0, ws="websockets-sansio", lifespan="off", log_level="error")
    ).run()
