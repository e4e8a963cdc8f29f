"""Connection writers: order is kept, nothing is lost, and a full buffer is seen; with stand-ins and a real uvicorn."""

import asyncio
import base64
import contextlib
import json
import os
import queue
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import pytest
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.streams import StreamReader

from conversations.domain.frames import Frame
from streaming.watchers.writers import ConnectionWriter, TaskWriter, UvicornWriter, writer_for
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.streaming.watchers import writer_server
from tests.streaming.watchers.writer_server import FRAMES, numbered
from tests.support.frames import frame_of_text
from tests.support.servers import ROOT


def frames(count: int) -> list[Frame]:
    return [frame_of_text(seq, f"{seq}") for seq in range(1, count + 1)]


class Server:
    """A `send` that waits now and then, and in which the client may leave."""

    def __init__(self, waits: Callable[[], int] = lambda: 0) -> None:
        self.sent: list[str] = []
        self.writable = asyncio.Event()
        self.writable.set()
        self.gone = False
        self.inside = 0
        self.entered = asyncio.Event()
        self._waits = waits

    async def send(self, message: Any) -> None:
        self.inside += 1
        self.entered.set()
        try:
            for _ in range(self._waits()):
                await asyncio.sleep(0)
            await self.writable.wait()
            if self.gone:
                raise ConnectionResetError
            self.sent.append(message["text"])
        finally:
            self.inside -= 1


async def write_all(writer: ConnectionWriter, wanted: list[Frame]) -> int:
    """As the contract asks: none before an earlier one has been taken. How often that had to be waited for."""
    waited = 0
    for frame in wanted:
        if (taken := writer.write(frame)) is not None:
            waited += 1
            await taken
    return waited


async def flip(writable: asyncio.Event, die: random.Random) -> None:
    """Open and shut a server's buffer."""
    while True:
        await asyncio.sleep(0)
        if die.random() < 0.3:
            writable.clear()
        else:
            writable.set()


# Any server


@pytest.mark.parametrize("seed", range(5))
async def test_sends_that_wait_lose_nothing_and_keep_order(seed: int) -> None:
    die = random.Random(seed)
    server = Server(lambda: die.choice([0, 0, 1, 2, 5]))
    flipping = asyncio.create_task(flip(server.writable, die))
    wanted = frames(300)
    async with asyncio.timeout(PATIENCE_SECONDS):
        waited = await write_all(TaskWriter(server.send), wanted)
    flipping.cancel()
    assert server.sent == [frame.text for frame in wanted]
    assert waited == 300


async def test_write_is_done_when_the_frame_is_taken() -> None:
    server = Server()
    server.writable.clear()
    taken = TaskWriter(server.send).write(frames(1)[0])
    assert taken is not None
    await server.entered.wait()
    for _ in range(5):
        await asyncio.sleep(0)
        assert not taken.done()
        assert server.sent == []
    server.writable.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await taken
    assert server.sent == ["1"]


async def test_client_that_leaves_while_send_waits_fails_the_write() -> None:
    server = Server()
    server.writable.clear()
    taken = TaskWriter(server.send).write(frames(1)[0])
    assert taken is not None
    await server.entered.wait()
    server.gone = True
    server.writable.set()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(taken, PATIENCE_SECONDS)
    assert server.inside == 0


async def test_cancelled_write_ends_inside_the_server() -> None:
    server = Server()
    server.writable.clear()
    taken = TaskWriter(server.send).write(frames(1)[0])
    assert taken is not None
    await server.entered.wait()
    taken.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taken
    assert (server.inside, server.sent) == (0, [])


# Which way out


def test_unknown_server_gets_a_task_for_each_frame() -> None:
    async def send(_: object) -> None: ...

    assert type(writer_for(send)) is TaskWriter
    assert type(writer_for(partial(send))) is TaskWriter


def test_unknown_uvicorn_release_gets_a_task_for_each_frame() -> None:
    class Protocol:
        async def send(self, message: object) -> None: ...

    Protocol.__module__ = "uvicorn.protocols.websockets.another"
    assert type(writer_for(Protocol().send)) is TaskWriter


# uvicorn, in parts


class UvicornTransport:
    """As much of asyncio's as the writer uses."""

    def __init__(self) -> None:
        self.octets: list[bytes] = []
        self.closing = self.aborted = False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, octets: bytes) -> None:
        self.octets.append(octets)

    def abort(self) -> None:
        self.aborted = True


class UvicornProtocol:
    def __init__(self) -> None:
        self.transport = UvicornTransport()
        self.writable = asyncio.Event()
        self.writable.set()


async def test_uvicorn_with_room_costs_no_task() -> None:
    protocol = UvicornProtocol()
    writer = UvicornWriter(protocol)
    before = asyncio.all_tasks()
    assert [writer.write(frame) for frame in frames(100)] == [None] * 100
    assert protocol.transport.octets == [frame.octets for frame in frames(100)]
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("seed", range(5))
async def test_full_uvicorn_loses_nothing_and_keeps_order(seed: int) -> None:
    die = random.Random(seed)
    protocol = UvicornProtocol()
    flipping = asyncio.create_task(flip(protocol.writable, die))
    wanted = frames(300)
    async with asyncio.timeout(PATIENCE_SECONDS):
        for frame in wanted:
            full = not protocol.writable.is_set()
            taken = UvicornWriter(protocol).write(frame)
            assert (taken is not None) is full
            if taken is not None:
                await taken
            elif die.random() < 0.5:
                await asyncio.sleep(0)
    flipping.cancel()
    assert protocol.transport.octets == [frame.octets for frame in wanted]


async def test_uvicorn_closing_raises_at_once() -> None:
    protocol = UvicornProtocol()
    protocol.transport.closing = True
    with pytest.raises(OSError, match="left"):
        UvicornWriter(protocol).write(frames(1)[0])
    assert protocol.transport.octets == []


# uvicorn itself

ADVICE = (
    "This release of uvicorn is not the one that streaming/watchers/writers.py knows: watchers would be served by a "
    "slower way. Read its `send`, then adapt the writer."
)


class RealServer:
    """A server in a process of its own, and what it reports."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._unasked: list[dict[str, Any]] = []
        self._process = process
        self._reading = threading.Thread(target=self._read)
        self._reading.start()
        self.port: int = self.reported("port")["port"]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def reported(self, key: str) -> dict[str, Any]:
        """The first line with this key, of those that nobody has asked for yet."""
        for line in self._unasked:
            if key in line:
                self._unasked.remove(line)
                return line
        while (said := self._lines.get(timeout=PATIENCE_SECONDS)) is not None:
            if key in said:
                return said
            self._unasked.append(said)
        raise AssertionError("The server has ended.")

    def forget(self) -> None:
        """Drop the lines that nobody has asked for."""
        self._unasked.clear()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)
        self._reading.join(PATIENCE_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="module")
def server() -> Iterator[RealServer]:
    command = [sys.executable, "-m", writer_server.__name__]
    started = RealServer(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
    yield started
    started.stop()


class RawClient:
    """A WebSocket client that reads only when it is told to."""

    def __init__(self, port: int) -> None:
        self._reader = StreamReader()
        self._socket = socket.socket()
        # Small, so that the server's own buffer fills soon.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.settimeout(PATIENCE_SECONDS)
        self._socket.connect(("127.0.0.1", port))

    def open(self, path: str, extensions: str) -> None:
        """The handshake, to the end of the server's answer."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            *([f"Sec-WebSocket-Extensions: {extensions}"] if extensions else []),
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        response = b""
        while not response.endswith(b"\r\n\r\n"):
            response += self._receive(1)
        assert response.startswith(b"HTTP/1.1 101 ")
        self.say("begin")

    def say(self, text: str) -> None:
        frame = WebSocketFrame(Opcode.TEXT, text.encode())
        self._socket.sendall(frame.serialize(mask=True))

    def next(self) -> WebSocketFrame:
        """The next frame. Raises OSError when the connection is gone."""
        parsing: Generator[None, None, WebSocketFrame] = WebSocketFrame.parse(
            self._reader.read_exact, mask=False, max_size=None
        )
        while True:
            try:
                next(parsing)
            except StopIteration as done:
                frame: WebSocketFrame = done.value
                return frame
            self._reader.feed_data(self._receive(1 << 16))

    def to_the_close(self) -> tuple[list[str], int]:
        """Every text, and the code of the close."""
        texts: list[str] = []
        while (frame := self.next()).opcode is not Opcode.CLOSE:
            if frame.opcode is Opcode.TEXT:
                texts.append(bytes(frame.data).decode())
        # As the protocol asks: the close is answered.
        self._socket.sendall(WebSocketFrame(Opcode.CLOSE, bytes(frame.data)).serialize(mask=True))
        return texts, int.from_bytes(bytes(frame.data)[:2])

    def leave(self) -> None:
        self._socket.close()

    def _receive(self, most: int) -> bytes:
        octets = self._socket.recv(most)
        if not octets:
            raise ConnectionResetError
        return octets


@contextlib.contextmanager
def client(server: RealServer, path: str, extensions: str = "") -> Iterator[RawClient]:
    opened = RawClient(server.port)
    try:
        opened.open(path, extensions)
        yield opened
    finally:
        opened.leave()
        # The server is done with it, and has reported all of it.
        server.reported("ended")
        server.forget()


def test_real_uvicorn_is_the_one_the_writer_knows(server: RealServer) -> None:
    with client(server, "/left", "permessage-deflate") as tab:
        facts = server.reported("writer")
        protocol = "uvicorn.protocols.websockets.websockets_sansio_impl.WebSocketsSansIOProtocol"
        assert (facts["writer"], facts["send"]) == ("UvicornWriter", f"{protocol}.send"), ADVICE
        # A write that waits though there is room would be a task for each frame.
        assert server.reported("first_waits")["first_waits"] is False, ADVICE
        server.reported("full_after")
        # Frames are made once for all clients. Where a compression was agreed upon, each may still come without.
        while (frame := tab.next()).opcode is not Opcode.TEXT:
            pass
        assert (frame.rsv1, bytes(frame.data).decode()) == (False, numbered(1).text), ADVICE


def test_slow_reader_gets_everything_in_order(server: RealServer) -> None:
    with client(server, "/write") as tab:
        full = server.reported("full_after")
        # Not at the first frame, and before the server has all of it in memory.
        assert 1 < full["full_after"] < FRAMES
        assert full["done"] is False
        texts, code = tab.to_the_close()
        assert server.reported("written")["waited"] > 0
    assert texts == [numbered(seq).text for seq in range(1, FRAMES + 1)]
    assert code == 1000


def test_slow_reader_can_still_send(server: RealServer) -> None:
    with client(server, "/write") as tab:
        server.reported("full_after")
        tab.say("still here")
        assert server.reported("received")["received"] == "still here"
        tab.say("and still")
        assert server.reported("received")["received"] == "and still"
        tab.to_the_close()


def test_close_of_slow_reader_comes_after_all_frames(
    server: RealServer,
) -> None:
    with client(server, "/close") as tab:
        full: int = server.reported("full_after")["full_after"]
        server.reported("closing")
        texts, code = tab.to_the_close()
    assert texts == [numbered(seq).text for seq in range(1, full + 1)]
    assert code == 4503


def test_full_connection_can_be_aborted(server: RealServer) -> None:
    with client(server, "/abort") as tab:
        server.reported("full_after")
        # Nobody waits for ever for room that never comes.
        server.reported("failure")
        with pytest.raises(OSError):  # noqa: PT011 (however the system says it)
            tab.to_the_close()


def test_slow_reader_that_leaves_ends_the_write(server: RealServer) -> None:
    with client(server, "/left") as tab:
        server.reported("full_after")
        tab.leave()
        assert server.reported("failure")["failure"] in (None, "OSError")
