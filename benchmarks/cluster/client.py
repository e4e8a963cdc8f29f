"""The watchers, all in one process that does as little as it can while they watch (see delivery/client.py), and that is
told whom to watch while it runs.

    python -m benchmarks.cluster.client

The first line of its standard input is {"address", "headers"}; of its commands there are, beside the other's:

    watch NUMBER PATH   so many more watchers there
    joined SECONDS      answers {"joined"}, once nobody is on the way, or after that time
    begin               forget who has watched so far, and how
    count               answers {"watchers", "open", "returns", "codes"}: how many there are, are connected, have come
                        back, and were closed with what
    ended SECONDS       answers {"ended"}, once the server has closed every connection, or after that time
    figures TOKENS      answers with what the watchers have received, of so many tokens each
    finish 0            ends it
"""

import gc
import json
import os
import time
from collections import Counter
from typing import Any

from benchmarks.cluster.pace import PacedFold, paced
from benchmarks.delivery.client import COMMANDS, Client
from benchmarks.delivery.lines import report
from benchmarks.delivery.load import Load
from benchmarks.delivery.result import folded
from benchmarks.delivery.watcher import Watcher


class ToldClient(Client):
    def __init__(self, server: dict[str, Any]) -> None:
        super().__init__(Load(), {**server, "paths": []})
        self._ending = self._joined_by = float("inf")
        self._left = Counter[str]()

    def _obey(self, words: list[bytes]) -> None:
        match words:
            case [b"watch", number, path]:
                new = [Watcher(path.decode(), stalled=False) for _ in range(int(number))]
                self.watchers += new
                self._waiting += new
            case [b"joined", seconds]:
                self._joined_by = time.monotonic() + float(seconds)
            case [b"begin"]:
                self.watchers.clear()
                self._left.clear()
                self.returns = 0
                gc.collect()
            case [b"count"]:
                there = {"watchers": len(self.watchers), "open": len(self._open) - self._joining}
                report({**there, "returns": self.returns, "codes": self._left})
            case [b"ended", seconds]:
                self._ending = time.monotonic() + float(seconds)
            case [b"figures", tokens]:
                heard = paced(int(tokens), folded(self.watchers, PacedFold))
                report({**heard, "octets": self._octets(), "returns": self.returns})
            case _:
                super()._obey(words)

    def _settle(self) -> None:
        super()._settle()
        now = time.monotonic()
        if self._ending < float("inf"):
            ended = all(watcher.ended for watcher in self.watchers)
            if ended or now > self._ending:
                self._ending = float("inf")
                report({"ended": ended})
        if self._joined_by < float("inf"):
            joined = not (self._joining or self._waiting or self._returning)
            if joined or now > self._joined_by:
                self._joined_by = float("inf")
                report({"joined": joined})

    def _leave(self, descriptor: int, watcher: Watcher) -> None:
        self._left[str(watcher.code)] += 1
        super()._leave(descriptor, watcher)

    def _octets(self) -> int:
        return sum(len(piece) for it in self.watchers for one in it.connections for piece in one.pieces)

    def _finished(self) -> bool:
        return self._finishing < float("inf")


def main() -> None:
    # Not through sys.stdin, which reads ahead of its lines.
    first = b""
    while not first.endswith(b"\n"):
        first += os.read(COMMANDS, 1)
    # Nothing here makes cycles, and looking for them among a million pieces takes a second.
    gc.disable()
    ToldClient(json.loads(first)).run()


if __name__ == "__main__":
    main()
