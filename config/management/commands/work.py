"""`manage.py work`: a worker, which runs the debates that the queue hands out."""

import asyncio
from argparse import ArgumentParser
from contextlib import AsyncExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from starlette.routing import Route, Router

from config.management.servers import listener, port_number, serving
from config.observability import tracing
from config.process import lifespan
from config.process.preflight import ServingCommand
from config.process.shutdown import STOPS
from conversations.event_log import appender
from conversations.local_model import supervisor
from conversations.outbox import sender
from conversations.privacy import housekeeping
from conversations.runs import job_queue
from streaming.monitoring.probes import PROBES


class Command(ServingCommand):
    help = "Run debates that the queue hands out, until told to stop; then others go on with them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="for --port (default: %(default)s)")
        parser.add_argument(
            "--port", help=f"answer {', '.join(sorted(PROBES))} on this port (default: on none)"
        )

    def handle(self, *args: Any, host: str, port: str | None, **options: Any) -> None:
        if not job_queue.is_used():
            raise CommandError(
                "OUTCRY_RUNNER=process: debates run where they are started. Set OUTCRY_RUNNER=worker, for the web"
                " processes, too."
            )
        number = None if port is None else port_number("--port", port)
        lifespan.settle()
        try:
            asyncio.run(self._work(host, number))
        finally:
            supervisor.release()
            appender.close()

    async def _work(self, host: str, port: int | None) -> None:
        # Imported here because it needs the queue's tables.
        from conversations.runs import worker

        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in STOPS:
            loop.add_signal_handler(number, stop.set)
        async with AsyncExitStack() as probes:
            if port is not None:
                await self._serve_probes(probes, host, port)
            tracing.begin("worker")
            lifespan.assist()
            self.stdout.write(
                f"Outcry's worker takes up to {settings.OUTCRY_WORKER_DEBATES} debates at once."
            )
            self.stdout.flush()
            try:
                await worker.work(stop)
            finally:
                await sender.end()
                await housekeeping.end()
                await asyncio.to_thread(tracing.end)

    async def _serve_probes(self, stack: AsyncExitStack, host: str, port: int) -> None:
        """Serve health checks and metrics until the stack is closed."""
        # Imported here because it loads all of the site.
        from config.asgi import django_application

        probes = Router([Route(path, django_application) for path in PROBES], redirect_slashes=False)
        bound = stack.enter_context(listener(host, port))
        await stack.enter_async_context(serving(probes, bound))
