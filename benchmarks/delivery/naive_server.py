"""The approach of Channels' tutorial, for comparison: every watcher is in the group, every token a message to each.

python -m benchmarks.delivery.naive_server LOAD naive-memory|naive-redis|naive-pubsub [REDIS_URL]
"""

import asyncio
import itertools
import sys
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings

from benchmarks.delivery import frames, lines, uvicorn_server
from benchmarks.delivery.cases import NAIVE_MEMORY, NAIVE_PUBSUB, NAIVE_REDIS
from benchmarks.delivery.load import Load
from benchmarks.delivery.speech import Said

BACKENDS = {
    NAIVE_MEMORY: "channels.layers.InMemoryChannelLayer",
    NAIVE_REDIS: "channels_redis.core.RedisChannelLayer",
    NAIVE_PUBSUB: "channels_redis.pubsub.RedisPubSubChannelLayer",
}


class Watcher(AsyncJsonWebsocketConsumer):
    async def connect(self) -> None:
        await self.channel_layer.group_add(_group(self.scope["path"].strip("/")), self.channel_name)
        await self.accept()
        await self.send_json(frames.hello(0))

    async def said(self, event: dict[str, Any]) -> None:
        await self.send_json(event["frame"])

    async def ended(self, event: dict[str, Any]) -> None:
        await self.close()


class Naive:
    def __init__(self, load: Load) -> None:
        self._names = [uuid4() for _ in range(load.conversations)]
        self._seqs = [itertools.count(1) for _ in range(load.conversations)]

    async def say(self, conversation: int, said: Said) -> None:
        seq = next(self._seqs[conversation])
        await _send(
            conversation, {"type": "said", "frame": frames.event(seq, self._names[conversation], said)}
        )

    async def end(self) -> Mapping[str, int]:
        await asyncio.gather(*(_send(number, {"type": "ended"}) for number in range(len(self._names))))
        return {}


def _group(conversation: object) -> str:
    return f"conversation_{conversation}"


async def _send(conversation: int, message: dict[str, Any]) -> None:
    layer: Any = get_channel_layer()
    await layer.group_send(_group(conversation), message)


def main(load: Load, layer: str, *hosts: str) -> None:
    config = {"CONFIG": {"hosts": hosts}} if hosts else {}
    settings.configure(CHANNEL_LAYERS={"default": {"BACKEND": BACKENDS[layer], **config}})
    naive = Naive(load)
    paths = [f"/{number}/" for number in range(load.conversations)]
    # Losses are counted; its error messages about them, one a watcher, are not shown.
    uvicorn_server.run(
        Watcher.as_asgi(),
        "off",
        "critical",
        lambda address: lines.obey(naive, load, address, paths, {}),
    )


if __name__ == "__main__":
    main(Load.parse(sys.argv[1]), *sys.argv[2:])
