"""How much a server is given to deliver."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Load:
    """`watchers` are of each conversation, `rate` is a conversation's tokens a second; `stalled` of all watchers never
    read; in a `storm` all watchers leave and come back in the middle."""

    conversations: int = 1
    watchers: int = 1_000
    rate: float = 50
    seconds: float = 15
    stalled: int = 0
    storm: bool = False

    @property
    def tokens(self) -> int:
        """Of a conversation."""
        return round(self.rate * self.seconds)

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> "Load":
        return cls(**json.loads(text))
