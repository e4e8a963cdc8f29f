"""The baseline: the same tokens from the same stand-in, broadcast by `websockets` and nothing else.

No AG2, no log, no accounts: what live delivery costs at the least, on this machine at this moment.

    python -m benchmarks.plain --upstream URL --turns 3 --watchers 2
"""

import argparse
import asyncio
import json
from collections import defaultdict
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection, broadcast, serve


class Plain:
    """A path is a debate; it begins when all its watchers are there."""

    def __init__(self, upstream: str, turns: int, watchers: int) -> None:
        self._upstream = urlsplit(upstream)
        self._turns = turns
        self._watchers = watchers
        self._rooms: dict[str, list[ServerConnection]] = defaultdict(list)

    async def watch(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        room = self._rooms[connection.request.path]
        room.append(connection)
        if len(room) == self._watchers:
            for turn in range(self._turns):
                await self._speak(room, turn)
            for watcher in room:
                await watcher.close()
        await connection.wait_closed()

    async def _speak(self, room: list[ServerConnection], turn: int) -> None:
        body = json.dumps({"model": "plain", "stream": True, "messages": []}).encode()
        reader, writer = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
        writer.write(
            f"POST {self._upstream.path}/chat/completions HTTP/1.1\r\nHost: stand-in\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        offset = 0
        async for line in reader:
            if not line.startswith(b"data: {"):
                continue
            choices = json.loads(line[6:])["choices"]
            if choices and (text := choices[0]["delta"].get("content")):
                frame = {"type": "token", "data": {"message": turn, "offset": offset, "text": text}}
                broadcast(room, json.dumps(frame))
                offset += len(text)
        writer.close()


async def main(arguments: argparse.Namespace) -> None:
    plain = Plain(arguments.upstream, arguments.turns, arguments.watchers)
    async with serve(plain.watch, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(json.dumps({"url": f"ws://127.0.0.1:{port}"}), flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--turns", type=int, required=True)
    parser.add_argument("--watchers", type=int, required=True)
    asyncio.run(main(parser.parse_args()))
