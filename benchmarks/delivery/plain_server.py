"""The baseline: the same frames from a timer, broadcast by `websockets` and nothing else. No log, no accounts.

python -m benchmarks.delivery.plain_server LOAD
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from uuid import uuid4

from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.delivery import frames, lines
from benchmarks.delivery.load import Load
from benchmarks.delivery.speech import Said
from benchmarks.delivery.uvicorn_server import BACKLOG, HOST


class Plain:
    """A path is a conversation's number."""

    def __init__(self, load: Load) -> None:
        self._rooms: list[set[ServerConnection]] = [set() for _ in range(load.conversations)]
        self._heads = [0] * load.conversations
        self._names = [uuid4() for _ in range(load.conversations)]

    async def watch(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        conversation = int(connection.request.path.partition("?")[0].strip("/"))
        room = self._rooms[conversation]
        await connection.send(json.dumps(frames.hello(self._heads[conversation])))
        room.add(connection)
        await connection.wait_closed()
        room.discard(connection)

    async def say(self, conversation: int, said: Said) -> None:
        self._heads[conversation] += 1
        frame = frames.event(self._heads[conversation], self._names[conversation], said)
        broadcast(self._rooms[conversation], json.dumps(frame, separators=(",", ":")))

    async def end(self) -> Mapping[str, int]:
        await asyncio.gather(*(connection.close() for room in self._rooms for connection in room))
        return {}


async def main(load: Load) -> None:
    plain = Plain(load)
    async with serve(plain.watch, HOST, 0, compression=None, ping_interval=None, backlog=BACKLOG) as server:
        address = (HOST, next(iter(server.sockets)).getsockname()[1])
        await lines.obey(plain, load, address, [f"/{number}/" for number in range(load.conversations)], {})


if __name__ == "__main__":
    asyncio.run(main(Load.parse(sys.argv[1])))
