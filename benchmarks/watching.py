"""A watcher that measures: each token's text is the moment the stand-in sent it."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection


@dataclass
class Watched:
    """The tokens one watcher received. Latencies in nanoseconds, from the stand-in's socket to this one, of tokens that
    were sent after the watcher had joined. A token that arrives only with its whole message counts as arrived then."""

    joined: int = 0
    latencies: list[int] = field(default_factory=list)
    frames: int = 0
    texts: dict[str, str] = field(default_factory=dict)
    altered: int = 0
    status: str | None = None

    def take(self, frame: dict[str, Any], now: int) -> None:
        data = frame["data"]
        match frame["type"]:
            case "hello":
                self.joined = now
            case "token":
                self.frames += 1
                self._hear(str(data["message"]), data["text"], now)
            case "agent_message" if data["kind"] != "final":
                message, content = str(data["message"]), data["content"]
                heard = self.texts.get(message, "")
                if not content.startswith(heard):
                    self.altered += 1
                    return
                self.frames += content != heard
                self._hear(message, content[len(heard) :], now)
            case "status":
                self.status = data["status"]

    def _hear(self, message: str, text: str, now: int) -> None:
        # Past its end or over what is there, a token was lost or doubled; the sums below tell.
        self.texts[message] = self.texts.get(message, "") + text
        self.latencies += [now - stamp for stamp in map(int, text.split()) if stamp >= self.joined]

    def lost_and_doubled(self, expected: int) -> tuple[int, int]:
        """How many of `expected` tokens are not there, and how many are there more than once."""
        seen = Counter(stamp for text in self.texts.values() for stamp in text.split())
        return expected - len(seen), sum(seen.values()) - len(seen)


async def watch(connection: ClientConnection, watched: Watched | None = None) -> Watched:
    """Receive to the end."""
    watched = watched or Watched()
    async for frame in connection:
        now = time.monotonic_ns()
        watched.take(json.loads(frame), now)
    return watched
