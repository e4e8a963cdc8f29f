"""Whether this process lives, and whether it can serve: for load balancers and orchestrators."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final
from uuid import uuid4

import structlog
from channels.layers import get_channel_layer
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations.infrastructure import database
from conversations.infrastructure.event_loop import PerLoop

logger = structlog.get_logger(__name__)

# What takes longer is not ready: a person would not wait either.
PATIENCE_SECONDS: Final = 2.0


@require_safe
@never_cache
async def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. It asks nobody else: a database that is away is no reason to restart this."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
async def readyz(request: HttpRequest) -> JsonResponse:
    """Each part is `ok` or `failed`; 503 while one is not. Why is told to the log only."""
    parts = await _readinesses.here().parts()
    ready = all(parts.values())
    words = {part: "ok" if works else "failed" for part, works in parts.items()}
    return JsonResponse(
        {"status": "ready" if ready else "not_ready", "parts": words}, status=200 if ready else 503
    )


class Readiness:
    """The looks of one event loop: one at a time, however many ask."""

    def __init__(self) -> None:
        self._looking: asyncio.Task[dict[str, bool]] | None = None
        self._migrated = False
        self._channel: str | None = None

    async def parts(self) -> dict[str, bool]:
        """Whether each part works now. Takes a few seconds at most, and raises nothing."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> dict[str, bool]:
        answers, layer = await asyncio.gather(
            _works("database", database.call(_ask)), _works("channel_layer", self._echo())
        )
        migrated = answers and await _works("migrations", self._migrate())
        return {"database": answers, "migrations": migrated, "channel_layer": layer}

    async def _migrate(self) -> None:
        # What has been applied stays so.
        if not self._migrated:
            await database.call(_require_migrated)
            self._migrated = True

    async def _echo(self) -> None:
        """Send a word over the channel layer, to ourselves."""
        layer: Any = get_channel_layer()
        # One channel for all looks: a layer may keep each it has made. One that failed is not used again.
        channel, self._channel = self._channel or await layer.new_channel(), None
        word = uuid4().hex
        await layer.send(channel, {"type": "echo", "word": word})
        while (await layer.receive(channel))["word"] != word:
            pass
        self._channel = channel


async def _works(part: str, work: Awaitable[None]) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await work
    except Exception:
        logger.warning("not_ready", part=part, exc_info=True)
        return False
    return True


class NotMigrated(Exception):
    """This code's migrations have not all been applied to the database."""


def _ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def missing_migrations() -> list[str]:
    """This code's migrations that have not been applied to the database, by app and name."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _require_migrated() -> None:
    if missing := missing_migrations():
        raise NotMigrated(", ".join(missing))


_readinesses = PerLoop(Readiness)
