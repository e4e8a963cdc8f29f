"""The web servers that `manage.py serve` runs: uvicorn, or Daphne if it is chosen. Both stop on SIGTERM and SIGINT,
after this process has handed over its debates."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

# Connections that may wait to be accepted: after a restart all watchers reconnect at once. One that does not fit is
# delayed by TCP's retry, 1 s or more.
BACKLOG: Final = 2_048
# How long a stopping server waits for responses that clients are still reading.
STREAMS_SECONDS: Final = 5


class NotListening(Exception):
    """The port cannot be used; the message has the reason."""


def uvicorn(host: str, port: int, listening: Callable[[], None]) -> None:
    """Serve until a stop signal; `listening` is called once the port is open. Raises NotListening.

    The application's lifespan starts and stops the process's other services."""
    from uvicorn import Config, Server

    from config.asgi import application
    from config.process import lifespan

    class OutcryServer(Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            listening()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            for server in self.servers:
                server.close()
            # Before uvicorn closes the remaining WebSockets with its own code.
            await lifespan.end()
            await super().shutdown(sockets)

    server = OutcryServer(
        Config(
            application,
            backlog=BACKLOG,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            # Trusted proxies are a setting of Outcry (OUTCRY_PROXY_COUNT).
            proxy_headers=False,
            ws="websockets-sansio",
            # Compression would double the CPU time of a frame to save 100 bytes.
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=STREAMS_SECONDS,
        )
    )
    with listener(host, port) as bound, _signals_end_here():
        asyncio.run(server.serve([bound]))


def daphne(host: str, port: int, listening: Callable[[], None]) -> None:
    """Serve with Daphne until a stop signal. Daphne does not support ASGI lifespan, so the lifespan's functions are
    called here. Raises NotListening."""
    # Imported first, because it chooses Twisted's reactor.
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred

    from config.asgi import application
    from config.process import lifespan

    async def stop() -> None:
        await lifespan.end()
        # Wait for running requests: Daphne would cancel them, and a thread that waits for one would never end.
        requests = [found.get("application_instance") for found in server.connections.values()]
        if unanswered := [request for request in requests if request is not None]:
            await asyncio.wait(unanswered, timeout=STREAMS_SECONDS)

    # Bind once to raise NotListening: Daphne itself only logs that the port is in use.
    listener(host, port).close()
    endpoints = build_endpoint_description_strings(host=host, port=port)
    server = Server(application, endpoints, server_name="outcry", ready_callable=listening)
    server.kill_all_applications = lambda: Deferred.fromFuture(asyncio.ensure_future(stop()))
    reactor.callLater(0, lifespan.begin)  # type: ignore[arg-type]
    server.run()


def is_port(text: str) -> bool:
    return text.isdecimal() and 0 < int(text) < 65536


def listener(host: str, port: int) -> socket.socket:
    """A listening socket. Raises NotListening."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise NotListening(error.strerror or str(error)) from error


@contextmanager
def _signals_end_here() -> Iterator[None]:
    """Context that ignores the stop signal, which uvicorn raises again at its end, so that the process exits with 0."""
    before = {number: signal.signal(number, _ignore) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore(number: int, frame: FrameType | None) -> None:
    pass
