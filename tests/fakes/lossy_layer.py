"""A channel layer that loses, repeats and reorders messages on purpose, as layers may: each from a seeded die."""

import random
from typing import Any

from channels.layers import InMemoryChannelLayer


class LossyChannelLayer(InMemoryChannelLayer):
    """Of a group's messages, about a quarter is lost, a quarter is sent twice, and a quarter comes after the next."""

    def __init__(self, *, seed: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.lost = self.repeated = self.delayed = 0
        self._die = random.Random(seed)
        self._held: dict[str, dict[str, Any]] = {}

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        fate = self._die.randrange(4)
        if fate == 0:
            self.lost += 1
            return
        if fate == 1 and group not in self._held:
            self.delayed += 1
            self._held[group] = message
            return
        await super().group_send(group, message)
        if fate == 2:
            self.repeated += 1
            await super().group_send(group, message)
        if (late := self._held.pop(group, None)) is not None:
            await super().group_send(group, late)
