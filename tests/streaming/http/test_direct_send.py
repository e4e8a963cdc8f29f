"""Responses that last, on a real server: a slow client costs bounded memory, and an aborted one is seen as such."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from scripts.ports import free_port
from streaming.http.direct_send import DirectSend
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.streaming.http import response_server
from tests.support.servers import ROOT

# What the system's own buffers between two sockets take, and some.
HELD = 32 * 1024 * 1024


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", response_server.__name__, str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        _until_there(port)
        yield port
    finally:
        process.kill()
        process.wait()


def _until_there(port: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return


def client(port: int) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_SECONDS)


def made(port: int) -> int:
    with client(port) as http:
        return int(http.get("/made").text)


def test_response_waits_for_a_client_that_does_not_read(port: int) -> None:
    with client(port) as http, http.stream("GET", "/flood") as stalled:
        # As soon as no more is made in a while, it is held.
        before, now = -1, made(port)
        while now != before:
            time.sleep(0.3)
            before, now = now, made(port)
        assert 0 < now < HELD
        # It goes on as soon as somebody reads.
        size = 0
        for chunk in stalled.iter_raw():
            size += len(chunk)
            if size > HELD:
                break
        assert made(port) > now


def test_aborted_response_is_seen_as_broken_off(port: int) -> None:
    # Of a connection that was aborted nothing is left: the second time is as the first.
    for _ in range(2):
        with client(port) as http, pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            http.get("/aborted")
    assert made(port) >= 0


async def test_nothing_around_direct_send_wraps_the_servers_send(monkeypatch: pytest.MonkeyPatch) -> None:
    # Frames could not be written straight to the connection.
    from config.asgi import application

    given: list[Any] = []

    async def keep(_: Any, scope: Any, receive: Any, send: Any) -> None:
        given.append(send)

    async def send(message: Any) -> None: ...

    monkeypatch.setattr(DirectSend, "__call__", keep)
    await application({"type": "http", "path": "/"}, None, send)
    assert given == [send]
