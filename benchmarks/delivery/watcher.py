"""A watcher's connections, one after the other."""

import re
import socket

from benchmarks.delivery import wire
from benchmarks.delivery.judge import Connection

# Bytes that a watcher which never reads can be sent before its server notices: on loopback megabytes, because
# packets are so large there. A segment and a window as on the internet make it less than a hundred kB.
STALLED_SEGMENT, STALLED_WINDOW = 536, 4_096
_SEQ = re.compile(rb'"seq":(\d+)')


class Watcher:
    def __init__(self, path: str, *, stalled: bool) -> None:
        self.path = path
        self.stalled = stalled
        self.connections: list[Connection] = []
        self.ended = False
        self.code: int | None = None

    def connect(self, address: tuple[str, int]) -> int:
        """Begin a connection; its descriptor."""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        if self.stalled:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, STALLED_WINDOW)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, STALLED_SEGMENT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect_ex(address)
        self.cursor = self._cursor()
        self.code = None
        self.connection = Connection()
        self.connections.append(self.connection)
        # The ways to them are short: they are taken for each piece.
        self.receive = self.socket.recv
        self.times, self.pieces = self.connection.times, self.connection.pieces
        return self.socket.fileno()

    def greet(self, address: tuple[str, int], headers: dict[str, str]) -> None:
        self.socket.sendall(wire.handshake(address, f"{self.path}?after={self.cursor}", headers))

    def has_joined(self, now: int) -> bool:
        """Whether the handshake is done and the first frame there. Raises ConnectionError when it is refused."""
        answer = b"".join(self.pieces)
        header, end, rest = answer.partition(b"\r\n\r\n")
        if end and (refusal := wire.refusal(header)):
            raise ConnectionError(f"{self.path}: {refusal}")
        if rest:
            self.connection.joined = now
        return bool(rest)

    def _cursor(self) -> int:
        """Where the last connection ended: the newest event that has come to its end. What came after it is forgotten.

        Not by its frames' lengths, which takes too long in the middle of a run: the last "seq" may stand in a frame
        that is not whole yet, the one before it does not."""
        if not self.connections:
            return 0
        left = self.connections[-1]
        tail, seqs = b"", list[bytes]()
        for piece in reversed(left.pieces):
            tail = piece + tail
            if len(seqs := _SEQ.findall(tail)) > 1:
                break
        left.left_at = int(seqs[-2]) if len(seqs) > 1 else getattr(self, "cursor", 0)
        return left.left_at
