"""A real server for the tests of outlets: `python -m tests.streaming.outlet_server daphne|uvicorn`.

Tells what happens as lines of JSON. A client says by its path what is to happen to it, once it has sent a word:

/write     all frames, then a close with 1000
/abort     frames until there is no room, then the connection is dropped
/left      frames until there is no room, then the client goes
/close     frames until there is no room, then a close with 4503 while there is none; "closing" is told
"""

import asyncio
import json
import sys
from typing import Any

from streaming.watchers.writers import Outlet, outlet
from streaming.wire.frames import Frame

FRAMES = 1_500
# Together more than the system's own buffers between two sockets hold.
TEXT = "€" * 4_000


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def numbered(seq: int) -> Frame:
    # Sizes of all three kinds of lengths that a WebSocket frame may have.
    text = TEXT * (20 if seq % 100 == 0 else 1) if seq % 10 else "short"
    return Frame(seq, "token", json.dumps([seq, text], ensure_ascii=False), seq - 1)


async def write(way_out: Outlet, until_full: bool) -> "asyncio.Future[None] | None":
    """Write all frames; with `until_full` only until there is no room, and return when there will be."""
    waited = 0
    for seq in range(1, FRAMES + 1):
        taken = way_out.write(numbered(seq))
        if seq == 1:
            tell(first_waits=taken is not None)
        if taken is None:
            continue
        waited += 1
        if waited == 1:
            tell(full_after=seq, done=taken.done())
        if until_full:
            return taken
        await taken
    tell(written=FRAMES, waited=waited)
    return None


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "websocket":
        return
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    way_out = outlet(send)
    tell(
        outlet=type(way_out).__name__,
        measured=way_out.measured,
        send=f"{getattr(send, 'func', send).__module__}.{getattr(send, 'func', send).__qualname__}",
        owner=type(getattr(send, "__self__", None)).__name__,
        partial_of=[type(value).__name__ for value in getattr(send, "args", ())],
    )

    # Where a connection is dropped, the client has read the handshake by then.
    assert (await receive())["type"] == "websocket.receive"

    async def listen() -> None:
        while (message := await receive())["type"] == "websocket.receive":
            tell(heard=message["text"])
        tell(left=True)

    listening = asyncio.create_task(listen())
    try:
        taken = await write(way_out, scope["path"] != "/write")
        match scope["path"]:
            case "/write":
                await send({"type": "websocket.close", "code": 1000})
            case "/close":
                tell(closing=True)
                await send({"type": "websocket.close", "code": 4503})
            case "/abort":
                way_out.abort()
        if taken is not None:
            await asyncio.wait([taken])
            tell(failure=None if taken.exception() is None else type(taken.exception()).__mro__[-3].__name__)
    finally:
        await listening
        tell(ended=True)


def serve_uvicorn() -> None:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            tell(port=self.servers[0].sockets[0].getsockname()[1])

    Server(
        uvicorn.Config(application, port=0, ws="websockets-sansio", lifespan="off", log_level="error")
    ).run()


def serve_daphne() -> None:
    from daphne.server import Server

    server = Server(application, endpoints=["tcp:port=0:interface=127.0.0.1"])
    server.listen_success = lambda bound: tell(port=bound.getHost().port)
    server.run()


if __name__ == "__main__":
    {"daphne": serve_daphne, "uvicorn": serve_uvicorn}[sys.argv[1]]()
