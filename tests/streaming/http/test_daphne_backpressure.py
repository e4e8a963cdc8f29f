"""Responses that last, on real servers: who reads nothing costs bounded memory, and what breaks is seen so."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from scripts.ports import free_port
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.streaming.http import backpressure_server as paced_server
from tests.support.servers import ROOT

# What the system's own buffers between two sockets take, and some.
HELD = 32 * 1024 * 1024


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", paced_server.__name__, request.param, str(port)]
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


def test_a_client_that_reads_nothing_is_not_written_for(port: int) -> None:
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


def test_a_response_that_breaks_is_not_whole_and_not_left_open(port: int) -> None:
    # And not only the first time.
    for _ in range(2):
        with client(port) as http, pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            http.get("/breaks")
    assert made(port) >= 0


def test_one_connection_carries_several_responses(port: int) -> None:
    with client(port) as http:
        assert [http.get("/made").status_code for _ in range(3)] == [200] * 3
