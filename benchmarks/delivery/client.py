"""The watchers, all in one process that does as little as it can while they watch: it keeps what comes and when, and
looks into it afterwards. Linux only (epoll).

    python -m benchmarks.delivery.client LOAD

The server's first line comes first on stdin, then commands:

    settle SECONDS    answers {"settled", "quiet"}: whether all have joined and no more comes, within that time;
                      and for how many seconds nothing has come
    storm             all leave at once, and come back at once
    finish SECONDS    answers with the result, once the server has closed every connection or that time is over
"""

import gc
import heapq
import json
import os
import random
import select
import sys
import time
from collections import deque
from typing import Any

from benchmarks.delivery import wire
from benchmarks.delivery.lines import report
from benchmarks.delivery.load import Load
from benchmarks.delivery.result import result
from benchmarks.delivery.watcher import Watcher

PIECE = 16_384
EVENTS = 4_096
WAIT_SECONDS = 0.05
QUIET_SECONDS = 0.5
# How many open their connections at once, but in a storm.
OPENING = 32
# Whom the server has put out comes back as a browser does: somewhere in this time.
RETURN_SECONDS = (0.2, 1.0)
FINAL_CODES = {1000, *range(4400, 4500)}
COMMANDS = sys.stdin.fileno()


class Client:
    def __init__(self, load: Load, server: dict[str, Any]) -> None:
        self._address: tuple[str, int] = (server["address"][0], server["address"][1])
        self._headers: dict[str, str] = server["headers"]
        paths = [path for path in server["paths"] for _ in range(load.watchers)]
        self.watchers = [Watcher(path, stalled=number < load.stalled) for number, path in enumerate(paths)]
        self._epoll = select.epoll()
        self._epoll.register(COMMANDS, select.EPOLLIN)
        self._open: dict[int, Watcher] = {}
        self._joining = 0
        self._opening_limit = OPENING
        self._waiting = deque(self.watchers)
        self._returning: list[tuple[float, int, Watcher]] = []
        self._heard = time.monotonic()
        self._typed = b""
        self._settling = self._finishing = float("inf")
        self.stormed: int | None = None
        self.returns = 0

    def run(self) -> None:
        """Watch until it is to finish, and has."""
        while not self._finished():
            self._receive()
            self._open_some()
            self._settle()

    def _receive(self) -> None:
        clock, watchers, writable = time.monotonic_ns, self._open, select.EPOLLOUT
        events = self._epoll.poll(WAIT_SECONDS, EVENTS)
        for descriptor, event in events:
            watcher = watchers.get(descriptor)
            if watcher is None:
                self._command(descriptor)
                continue
            if event & writable:
                self._greet(descriptor, watcher)
                continue
            try:
                piece = watcher.receive(PIECE)
            except BlockingIOError:
                continue
            except OSError:
                piece = b""
            watcher.times.append(clock())
            watcher.pieces.append(piece)
            if not watcher.connection.joined:
                self._join(descriptor, watcher)
            if not piece or wire.PING_MARK in piece or wire.CLOSE_MARK in piece:
                self._control(descriptor, watcher, piece)
        if events:
            self._heard = time.monotonic()

    def _open_some(self) -> None:
        while self._returning and self._returning[0][0] <= time.monotonic():
            self._waiting.append(heapq.heappop(self._returning)[2])
        while self._waiting and self._joining < self._opening_limit:
            watcher = self._waiting.popleft()
            descriptor = watcher.connect(self._address)
            self._open[descriptor] = watcher
            self._epoll.register(descriptor, select.EPOLLOUT)
            self._joining += 1

    def _greet(self, descriptor: int, watcher: Watcher) -> None:
        try:
            watcher.greet(self._address, self._headers)
        except OSError:
            self._leave(descriptor, watcher)
            self._come_back(watcher)
        else:
            self._epoll.modify(descriptor, select.EPOLLIN)

    def _join(self, descriptor: int, watcher: Watcher) -> None:
        if watcher.has_joined(time.monotonic_ns()):
            self._joining -= 1
            if watcher.stalled:
                # Its connection stays open, and nobody reads from it.
                self._epoll.unregister(descriptor)

    def _control(self, descriptor: int, watcher: Watcher, piece: bytes) -> None:
        if (answer := wire.pong(piece)) is not None:
            watcher.socket.send(answer)
        if (code := wire.close_code(piece)) is not None:
            watcher.code = code
            watcher.socket.send(wire.close_answer(code))
        if not piece or code is not None:
            self._leave(descriptor, watcher)
            watcher.ended = watcher.code in FINAL_CODES or self._finishing < float("inf")
            if not watcher.ended:
                self._come_back(watcher)

    def _leave(self, descriptor: int, watcher: Watcher) -> None:
        if not watcher.connection.joined:
            self._joining -= 1
        del self._open[descriptor]
        watcher.socket.close()

    def _come_back(self, watcher: Watcher) -> None:
        self.returns += 1
        due = time.monotonic() + random.uniform(*RETURN_SECONDS)
        heapq.heappush(self._returning, (due, self.returns, watcher))

    def _command(self, descriptor: int) -> None:
        if descriptor != COMMANDS:
            # Closed earlier in the same round.
            return
        self._typed += os.read(COMMANDS, PIECE)
        *lines, self._typed = self._typed.split(b"\n")
        for line in lines:
            self._obey(line.split())

    def _obey(self, words: list[bytes]) -> None:
        match words:
            case [b"settle", seconds]:
                self._settling = time.monotonic() + float(seconds)
            case [b"storm"]:
                self._storm()
            case [b"finish", seconds]:
                self._finishing = time.monotonic() + float(seconds)
            case unknown:
                raise ValueError(f"Unexpected command {unknown!r}.")

    def _storm(self) -> None:
        self.stormed = time.monotonic_ns()
        self._opening_limit = len(self.watchers)
        for descriptor, watcher in list(self._open.items()):
            self._leave(descriptor, watcher)
            self._waiting.append(watcher)

    def _settle(self) -> None:
        if self._settling == float("inf"):
            return
        now = time.monotonic()
        quiet = now - self._heard > QUIET_SECONDS
        settled = quiet and not (self._joining or self._waiting or self._returning)
        if settled or now > self._settling:
            self._settling = float("inf")
            report({"settled": settled, "quiet": now - self._heard})

    def _finished(self) -> bool:
        if self._finishing == float("inf"):
            return False
        over = all(watcher.ended or watcher.stalled for watcher in self.watchers)
        return over or time.monotonic() > self._finishing


def main() -> None:
    load = Load.parse(sys.argv[1])
    # Not through sys.stdin, which reads ahead of its lines.
    first = b""
    while not first.endswith(b"\n"):
        first += os.read(COMMANDS, 1)
    # Nothing here makes cycles, and looking for them among a million pieces takes a second.
    gc.disable()
    client = Client(load, json.loads(first))
    client.run()
    report(result(load, client.watchers, client.stormed, client.returns))


if __name__ == "__main__":
    main()
