"""The tokens of the conversations: a steady rate, each token's text the time at which it was made."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID, uuid4

from benchmarks.delivery.load import Load

MESSAGE_TOKENS = 200


class Said(NamedTuple):
    """One event. Of a token, `text` is its own and `offset` its place; of an agent_message, `text` is the whole."""

    type: str
    message: UUID
    text: str = ""
    offset: int = 0
    tokens: int = 1


class Speech:
    """All conversations of a load, each said by its own task, in turn over a token's time.

    Made on a schedule that does not wait for a slow server: `behind` is by how many seconds it was kept from it at
    worst."""

    def __init__(self, load: Load, say: Callable[[int, Said], Awaitable[None]]) -> None:
        self._load = load
        self._say = say
        self.behind = 0.0

    async def run(self) -> None:
        began = time.monotonic()
        numbers = range(self._load.conversations)
        await asyncio.gather(*(self._speak(number, began) for number in numbers))

    async def _speak(self, conversation: int, began: float) -> None:
        interval = 1 / self._load.rate
        began += interval * conversation / self._load.conversations
        for first in range(0, self._load.tokens, MESSAGE_TOKENS):
            message, content = uuid4(), ""
            count = min(MESSAGE_TOKENS, self._load.tokens - first)
            await self._say(conversation, Said("message_start", message))
            for number in range(first, first + count):
                await self._until(began + interval * number)
                text = f"{time.monotonic_ns()} "
                await self._say(conversation, Said("token", message, text, len(content)))
                content += text
            await self._say(conversation, Said("agent_message", message, content, tokens=count))

    async def _until(self, due: float) -> None:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        self.behind = max(self.behind, time.monotonic() - due)
