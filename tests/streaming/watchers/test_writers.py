"""Ways out: in order, nothing lost, and backpressure felt, with sends that wait at will and with real servers."""

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
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import pytest
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.streams import StreamReader

from streaming.watchers.writers import DaphneOutlet, Outlet, TaskOutlet, UvicornOutlet, outlet
from streaming.wire.frames import Frame
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.streaming.watchers import writer_server as outlet_server
from tests.streaming.watchers.writer_server import FRAMES, numbered
from tests.support.servers import ROOT


def frames(count: int) -> list[Frame]:
    return [Frame(seq, "token", f"{seq}", seq - 1) for seq in range(1, count + 1)]


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


async def write_all(way_out: Outlet, wanted: list[Frame]) -> int:
    """As the contract asks: none before an earlier one has been taken. How often that had to be waited for."""
    waited = 0
    for frame in wanted:
        if (taken := way_out.write(frame)) is not None:
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
async def test_whenever_a_send_waits_the_order_is_kept_and_nothing_is_lost(seed: int) -> None:
    die = random.Random(seed)
    server = Server(lambda: die.choice([0, 0, 1, 2, 5]))
    flipping = asyncio.create_task(flip(server.writable, die))
    wanted = frames(300)
    async with asyncio.timeout(PATIENCE_SECONDS):
        waited = await write_all(TaskOutlet(server.send), wanted)
    flipping.cancel()
    assert server.sent == [frame.text for frame in wanted]
    assert waited == 300


async def test_a_send_is_done_when_the_frame_is_taken_and_not_before() -> None:
    server = Server()
    server.writable.clear()
    taken = TaskOutlet(server.send).write(frames(1)[0])
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


async def test_who_leaves_while_a_send_waits_is_told_by_what_was_returned() -> None:
    server = Server()
    server.writable.clear()
    taken = TaskOutlet(server.send).write(frames(1)[0])
    assert taken is not None
    await server.entered.wait()
    server.gone = True
    server.writable.set()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(taken, PATIENCE_SECONDS)
    assert server.inside == 0


async def test_a_cancelled_send_ends_inside_the_server_too() -> None:
    server = Server()
    server.writable.clear()
    taken = TaskOutlet(server.send).write(frames(1)[0])
    assert taken is not None
    await server.entered.wait()
    taken.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taken
    assert (server.inside, server.sent) == (0, [])


# Which way out


def test_an_unknown_server_gets_a_task_for_each_frame() -> None:
    async def send(_: object) -> None: ...

    assert type(outlet(send)) is TaskOutlet
    assert type(outlet(partial(send))) is TaskOutlet


def test_a_known_server_that_is_not_as_we_know_it_is_served_like_any_other() -> None:
    class Protocol:
        async def send(self, message: object) -> None: ...

    Protocol.send.__module__ = "uvicorn.protocols.websockets.another"
    assert type(outlet(Protocol().send)) is TaskOutlet
    assert outlet(Protocol().send).measured

    async def handle_reply(protocol: object, message: object) -> None: ...

    handle_reply.__module__ = "daphne.server"
    for protocol in (object(), type("Protocol", (), {"transport": object()})()):
        assert type(outlet(partial(handle_reply, protocol))) is TaskOutlet
        # Daphne's `send` never waits: what is in flight has to be counted.
        assert not outlet(partial(handle_reply, protocol)).measured
    assert type(outlet(handle_reply)) is TaskOutlet  # type: ignore[arg-type]


# uvicorn, in parts


class UvicornTransport:
    """As much of asyncio's as the outlet uses."""

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


async def test_while_there_is_room_a_frame_costs_no_task() -> None:
    protocol = UvicornProtocol()
    way_out = UvicornOutlet(protocol)
    before = asyncio.all_tasks()
    assert [way_out.write(frame) for frame in frames(100)] == [None] * 100
    assert protocol.transport.octets == [frame.octets for frame in frames(100)]
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("seed", range(5))
async def test_whenever_uvicorn_is_full_the_order_is_kept_and_nothing_is_lost(seed: int) -> None:
    die = random.Random(seed)
    protocol = UvicornProtocol()
    flipping = asyncio.create_task(flip(protocol.writable, die))
    wanted = frames(300)
    async with asyncio.timeout(PATIENCE_SECONDS):
        for frame in wanted:
            full = not protocol.writable.is_set()
            taken = UvicornOutlet(protocol).write(frame)
            assert (taken is not None) is full
            if taken is not None:
                await taken
            elif die.random() < 0.5:
                await asyncio.sleep(0)
    flipping.cancel()
    assert protocol.transport.octets == [frame.octets for frame in wanted]


async def test_who_has_left_uvicorn_is_told_at_once() -> None:
    protocol = UvicornProtocol()
    protocol.transport.closing = True
    with pytest.raises(OSError, match="left"):
        UvicornOutlet(protocol).write(frames(1)[0])
    assert protocol.transport.octets == []


# Daphne, in parts


class TwistedTransport:
    """As much of Twisted's as the outlet uses: full from `room` frames on."""

    def __init__(self, room: int) -> None:
        self.octets: list[bytes] = []
        self.producer: Any = "the parser of the HTTP request"
        self._room = room

    def write(self, octets: bytes) -> None:
        self.octets.append(octets)
        if len(self.octets) % self._room == 0:
            self.producer.pauseProducing()

    def registerProducer(self, producer: Any, streaming: bool) -> None:  # noqa: N802
        assert self.producer is None
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:  # noqa: N802
        self.producer = None


async def test_daphnes_transport_says_when_it_is_full_and_when_not_any_more() -> None:
    transport = TwistedTransport(room=3)
    way_out = DaphneOutlet(transport)
    first, second, third = (way_out.write(frame) for frame in frames(3))
    assert first is second is None
    assert third is not None
    assert not third.done()
    transport.producer.resumeProducing()
    assert third.done()
    assert way_out.write(frames(4)[-1]) is None
    assert transport.octets == [frame.octets for frame in frames(4)]


async def test_nobody_waits_for_the_room_of_a_daphne_connection_that_is_gone() -> None:
    transport = TwistedTransport(room=1)
    taken = DaphneOutlet(transport).write(frames(1)[0])
    assert taken is not None
    transport.producer.stopProducing()
    await asyncio.wait_for(taken, PATIENCE_SECONDS)


async def test_daphnes_transport_may_say_the_same_twice_and_a_waiter_may_have_given_up() -> None:
    transport = TwistedTransport(room=1)
    way_out = DaphneOutlet(transport)
    transport.producer.resumeProducing()
    taken = way_out.write(frames(1)[0])
    assert taken is not None
    transport.producer.pauseProducing()
    assert way_out.write(frames(2)[1]) is taken
    taken.cancel()
    transport.producer.resumeProducing()
    transport.producer.resumeProducing()


# Real servers

EXPECTED: dict[str, dict[str, Any]] = {
    "daphne": {
        "outlet": "DaphneOutlet",
        "send": "daphne.server.Server.handle_reply",
        "partial_of": ["WebSocketProtocol"],
    },
    "uvicorn": {
        "outlet": "UvicornOutlet",
        "send": "uvicorn.protocols.websockets.websockets_sansio_impl.WebSocketsSansIOProtocol.send",
        "owner": "WebSocketsSansIOProtocol",
    },
}
ADVICE = (
    "This release of {} is not the one that streaming/outlet.py knows: watchers would be served by a slower way, "
    "or their backpressure would not be felt. Read its `send`, then adapt the outlet."
)


class RealServer:
    """A server in a process of its own, and what it tells."""

    def __init__(self, name: str, process: "subprocess.Popen[str]") -> None:
        self.name = name
        self._lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._unasked: list[dict[str, Any]] = []
        self._process = process
        self._reading = threading.Thread(target=self._read)
        self._reading.start()
        self.port: int = self.told("port")["port"]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def told(self, key: str) -> dict[str, Any]:
        """The first line that says something of this kind, of those that nobody has asked for yet."""
        for line in self._unasked:
            if key in line:
                self._unasked.remove(line)
                return line
        while (told := self._lines.get(timeout=PATIENCE_SECONDS)) is not None:
            if key in told:
                return told
            self._unasked.append(told)
        raise AssertionError(f"{self.name} has ended")

    def forget(self) -> None:
        """Nobody will ask for what was told so far."""
        self._unasked.clear()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)
        self._reading.join(PATIENCE_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest) -> Iterator[RealServer]:
    started = RealServer(
        request.param,
        subprocess.Popen(
            [sys.executable, "-m", outlet_server.__name__, request.param],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ),
    )
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
        # The server has done with it, and with what it tells of it.
        server.told("ended")
        server.forget()


def test_the_server_is_the_one_that_outlets_know(server: RealServer) -> None:
    with client(server, "/left", "permessage-deflate") as tab:
        facts = server.told("outlet")
        advice = ADVICE.format(server.name)
        assert {key: facts[key] for key in EXPECTED[server.name]} == EXPECTED[server.name], advice
        assert facts["measured"] is True, advice
        # A write that waits though there is room would be a task for each frame.
        assert server.told("first_waits")["first_waits"] is False, advice
        server.told("full_after")
        # Frames are made once for all clients. Where a compression was agreed upon, each may still come without.
        while (frame := tab.next()).opcode is not Opcode.TEXT:
            pass
        assert (frame.rsv1, bytes(frame.data).decode()) == (False, numbered(1).text), advice


def test_who_does_not_read_is_felt_and_gets_everything_once_and_in_order(server: RealServer) -> None:
    with client(server, "/write") as tab:
        full = server.told("full_after")
        # Not at the first frame, and before the server has all of it in memory.
        assert 1 < full["full_after"] < FRAMES
        assert full["done"] is False
        texts, code = tab.to_the_close()
        assert server.told("written")["waited"] > 0
    assert texts == [numbered(seq).text for seq in range(1, FRAMES + 1)]
    assert code == 1000


def test_who_does_not_read_is_heard(server: RealServer) -> None:
    with client(server, "/write") as tab:
        server.told("full_after")
        tab.say("still here")
        assert server.told("heard")["heard"] == "still here"
        tab.say("and still")
        assert server.told("heard")["heard"] == "and still"
        tab.to_the_close()


def test_a_close_comes_after_what_was_handed_over_before_it_though_the_client_takes_its_time(
    server: RealServer,
) -> None:
    with client(server, "/close") as tab:
        full: int = server.told("full_after")["full_after"]
        server.told("closing")
        # Daphne by itself would drop what is unsent after one second.
        time.sleep(1.5)
        texts, code = tab.to_the_close()
    assert texts == [numbered(seq).text for seq in range(1, full + 1)]
    assert code == 4503


def test_a_connection_that_takes_nothing_can_be_dropped(server: RealServer) -> None:
    with client(server, "/abort") as tab:
        server.told("full_after")
        # Nobody waits for ever for room that never comes.
        server.told("failure")
        with pytest.raises(OSError):  # noqa: PT011 (however the system says it)
            tab.to_the_close()


def test_who_goes_while_the_server_waits_for_them_holds_nothing_up(server: RealServer) -> None:
    with client(server, "/left") as tab:
        server.told("full_after")
        tab.leave()
        assert server.told("failure")["failure"] in (None, "OSError")
