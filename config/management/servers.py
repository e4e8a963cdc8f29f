"""The two web servers that `manage.py serve` can run. Both stop on SIGTERM and SIGINT, after the debates of this
process have been handed over."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

# Connections that may wait to be accepted: after a restart all watchers come back at once, and Twisted's 50 would leave
# most of them to the retries of TCP.
BACKLOG: Final = 2_048
# For streams whose readers do not take their end; ours have ended by then.
STREAMS_SECONDS: Final = 5


class NotListening(Exception):
    """The port cannot be used; the words say why."""


def daphne(host: str, port: int, listening: Callable[[], None]) -> None:
    """Serve until told to stop; `listening` is called once the port is open. Raises NotListening."""
    # Each server's modules only where it runs. Daphne's first: it chooses Twisted's reactor.
    from daphne.server import Server
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred, maybeDeferred

    from config.asgi import application
    from config.process import lifespan
    from conversations.providers import chunk_parser

    address = host.replace(":", r"\:")
    endpoint = f"tcp:port={port}:interface={address}:backlog={BACKLOG}"
    server = Server(application, endpoints=[endpoint], server_name="outcry")
    greet = server.listen_success
    failed: list[str] = []

    def listens(bound: Any) -> None:
        ports.append(bound)
        greet(bound)
        listening()

    def does_not_listen(failure: Any) -> None:
        failed.append(failure.getErrorMessage())
        server.abort_start = True
        server.stop()

    ports: list[Any] = []

    async def leave() -> None:
        # Whoever comes now is for another process.
        closing = [maybeDeferred(port.stopListening) for port in ports]
        for closed in closing:
            await closed.asFuture(asyncio.get_running_loop())
        await lifespan.end()
        # Daphne's own way is to cut what is being answered; a thread that waits for the cut request then never ends.
        asked = {details.get("application_instance") for details in server.connections.values()} - {None}
        if asked:
            _, late = await asyncio.wait(asked, timeout=STREAMS_SECONDS)
            for answer in late:
                answer.cancel()
            if late:
                await asyncio.wait(late, timeout=STREAMS_SECONDS)

    def end() -> "Deferred[None]":
        return Deferred.fromFuture(asyncio.ensure_future(leave()))

    server.listen_success = listens
    server.listen_error = does_not_listen
    # Not callWhenRunning: that is before the event loop runs.
    reactor.callLater(0, lifespan.begin)  # type: ignore[arg-type]
    server.kill_all_applications = end
    chunk_parser.warm_up()
    lifespan.settle()
    server.run()
    if failed:
        raise NotListening(failed[0])


def uvicorn(host: str, port: int, listening: Callable[[], None]) -> None:
    """The same. It begins and ends by the application's lifespan."""
    from uvicorn import Config, Server

    from config.asgi import application

    class Telling(Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            listening()

    server = Telling(
        Config(
            application,
            backlog=BACKLOG,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            # Whom to believe about addresses is a setting of ours, for both servers alike.
            proxy_headers=False,
            ws="websockets-sansio",
            # It would double what a frame costs, to save a hundred bytes.
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=STREAMS_SECONDS,
        )
    )
    with listener(host, port) as bound, _signals_end_here():
        asyncio.run(server.serve([bound]))


def is_port(text: str) -> bool:
    return text.isdecimal() and 0 < int(text) < 65536


def listener(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises NotListening."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise NotListening(error.strerror or str(error)) from error


@contextmanager
def _signals_end_here() -> Iterator[None]:
    """uvicorn raises again, at its end, what told it to stop; nobody is left to be told."""
    before = {number: signal.signal(number, _pass) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pass(number: int, frame: FrameType | None) -> None:
    pass
