"""Outcry with a new database, as uvicorn or `manage.py serve` (Daphne) serve it; its conversations are said in the
server's own process and event loop, as a debate's run would.

    python -m benchmarks.delivery.outcry_server LOAD uvicorn|daphne
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import django

from benchmarks.delivery import lines, uvicorn_server
from benchmarks.delivery.cases import DAPHNE, UVICORN
from benchmarks.delivery.load import Load
from scripts.ports import free_port

Started = Callable[[tuple[str, int]], Coroutine[Any, Any, None]]


def main(load: Load, server: str) -> None:
    django.setup()
    # These need Django's applications; the log's readers are counted before anybody has taken hold of them.
    from benchmarks.delivery.outcry_speaker import OutcrySpeaker

    speaker = OutcrySpeaker(load)
    from config.asgi import application

    async def started(address: tuple[str, int]) -> None:
        headers = {"Cookie": speaker.cookie, "Origin": f"http://{address[0]}:{address[1]}"}
        await lines.obey(speaker, load, address, speaker.paths, headers)

    match server:
        case "uvicorn":
            uvicorn_server.run(application, "auto", "warning", started)
        case "daphne":
            _daphne(started)
        case _:
            raise ValueError(f"Unexpected server {server!r}, use {UVICORN!r} or {DAPHNE!r}.")


def _daphne(started: Started) -> None:
    """What `manage.py serve` does once it has an account and a model: its own server, with its own settings."""
    # Daphne's application has chosen Twisted's reactor by now; imported earlier, it would be another.
    from twisted.internet import reactor

    from config.management import servers

    address = (uvicorn_server.HOST, free_port())
    tasks = []
    # Not at once: the event loop does not run yet. When it does, the server listens.
    reactor.callLater(0, lambda: tasks.append(asyncio.ensure_future(started(address))))  # type: ignore[arg-type]
    servers.daphne(*address, lambda: None)


if __name__ == "__main__":
    main(Load.parse(sys.argv[1]), sys.argv[2])
