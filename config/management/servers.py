"""The web servers that `manage.py serve` runs: uvicorn, or Daphne if it is chosen. Both stop on SIGTERM and SIGINT,
after this process has handed over its debates. `serving` runs uvicorn inside a process that does other work."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn
from django.core.management.base import CommandError

from config.management.connection_guards import GuardedHttp, GuardedWebSocket
from config.process.shutdown import STOPS

# Connections that may wait to be accepted: after a restart all watchers reconnect at once. One that does not fit is
# delayed by TCP's retry, 1 s or more.
BACKLOG: Final = 2_048
# How long a stopping server waits for responses that clients are still reading.
STREAMS_SECONDS: Final = 5


class Server(uvicorn.Server):
    """Without signal handling: at its end, uvicorn would restore the handler of a closed loop and raise the signal
    again."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(application: Any, **options: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=GuardedHttp,
        ws=GuardedWebSocket,
        # Compression would double the CPU time of a frame to save 100 bytes.
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        **options,
    )


@asynccontextmanager
async def serving(application: Any, bound: socket.socket) -> AsyncIterator[None]:
    """Context in which the application is served on a listening socket, in the running loop, without its lifespan."""
    server = Server(_config(application, lifespan="off", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve([bound]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


def serve_uvicorn(host: str, port: int, listening: Callable[[], None]) -> None:
    """Serve until a stop signal; `listening` is called once the port is open. Raises CommandError.

    The application's lifespan starts and stops the process's other services."""
    from config.asgi import application
    from config.process import lifespan

    class OutcryServer(Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            for number in STOPS:
                asyncio.get_running_loop().add_signal_handler(number, self.handle_exit, number, None)
            yield

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
        _config(
            application,
            backlog=BACKLOG,
            lifespan="on",
            # Trusted proxies are a setting of Outcry (OUTCRY_PROXY_COUNT).
            proxy_headers=False,
            timeout_graceful_shutdown=STREAMS_SECONDS,
        )
    )
    with listener(host, port) as bound:
        asyncio.run(server.serve([bound]))


def serve_daphne(host: str, port: int, listening: Callable[[], None]) -> None:
    """Serve with Daphne until a stop signal. Daphne does not support ASGI lifespan, so the lifespan's functions are
    called here. Raises CommandError."""
    # Imported first, because it chooses Twisted's reactor.
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server as DaphneServer
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

    # Bind once to raise CommandError: Daphne itself only logs that the port is in use.
    listener(host, port).close()
    endpoints = build_endpoint_description_strings(host=host, port=port)
    server = DaphneServer(application, endpoints, server_name="outcry", ready_callable=listening)
    server.kill_all_applications = lambda: Deferred.fromFuture(asyncio.ensure_future(stop()))
    reactor.callLater(0, lifespan.begin)  # type: ignore[arg-type]
    server.run()


def port_number(name: str, text: str) -> int:
    """The port in the text, which comes from the option or variable `name`. Raises CommandError."""
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise CommandError(f"{name}={text!r} is no port: use a number from 1 to 65535.")


def listener(host: str, port: int) -> socket.socket:
    """A listening socket. Raises CommandError."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CommandError(f"Port {port} of {host} cannot be used: {error.strerror or error}") from error
