"""`/healthz` and `/readyz`, for load balancers: whether this process responds, and whether it can serve."""

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

# Timeout of each check; people would not wait longer, either.
TIMEOUT_SECONDS: Final = 2.0


@require_safe
@never_cache
async def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as the process responds. Other parts are not checked, because a restart would not repair a
    database."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
async def readyz(request: HttpRequest) -> JsonResponse:
    """200 if every part is `ok`, 503 while one is `failed`. The reason is in the server's log only."""
    parts = await _readinesses.here().parts()
    ready = all(parts.values())
    statuses = {part: "ok" if works else "failed" for part, works in parts.items()}
    body = {"status": "ready" if ready else "not_ready", "parts": statuses}
    return JsonResponse(body, status=200 if ready else 503)


class Readiness:
    """The checks of one event loop. Requests that arrive during a check share its result."""

    def __init__(self) -> None:
        self._checking: asyncio.Task[dict[str, bool]] | None = None
        self._migrated = False
        self._channel: str | None = None

    async def parts(self) -> dict[str, bool]:
        """Whether each part works now. Takes a few seconds at most, and raises nothing."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        return await asyncio.shield(self._checking)

    async def _check(self) -> dict[str, bool]:
        answers, layer = await asyncio.gather(
            _works("database", database.call(_ask)), _works("channel_layer", self._echo())
        )
        migrated = answers and await _works("migrations", self._migrate())
        return {"database": answers, "migrations": migrated, "channel_layer": layer}

    async def _migrate(self) -> None:
        # Migrations stay applied, so this is checked only until it succeeds.
        if not self._migrated:
            await database.call(_require_migrated)
            self._migrated = True

    async def _echo(self) -> None:
        """Send a message through the channel layer and receive it."""
        layer: Any = get_channel_layer()
        # One channel for all checks, because a layer may keep every channel that it made. A failure makes it a new one.
        channel, self._channel = self._channel or await layer.new_channel(), None
        token = uuid4().hex
        await layer.send(channel, {"type": "echo", "token": token})
        while (await layer.receive(channel))["token"] != token:
            pass
        self._channel = channel


async def _works(part: str, check: Awaitable[None]) -> bool:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await check
    except Exception:
        logger.warning("not_ready", part=part, exc_info=True)
        return False
    return True


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
        raise RuntimeError(f"Migrations are missing: {', '.join(missing)}.")


_readinesses = PerLoop(Readiness)
