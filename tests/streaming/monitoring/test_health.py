"""Whether a process lives and can serve, as a load balancer asks."""

import asyncio
import json
import threading
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import AsyncClient, Client
from pytest_django import Settings

from conversations.infrastructure import database
from streaming.monitoring import health

OK = {"database": "ok", "migrations": "ok", "channel_layer": "ok"}


async def ask(address: str, **headers: str) -> tuple[int, Any]:
    answer = await AsyncClient().get(address, headers=headers)
    return answer.status_code, json.loads(answer.content)


async def ready() -> tuple[int, Any]:
    return await ask("/readyz")


# /healthz: these tests may not use the database.


async def test_healthz_needs_no_database() -> None:
    answer = await AsyncClient().get("/healthz")
    assert (answer.status_code, json.loads(answer.content)) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]
    assert not answer.cookies


def test_healthz_needs_no_event_loop() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}


async def test_it_is_asked_by_address_and_without_https(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["outcry.example"]
    assert await ask("/healthz", host="10.0.0.7:8000") == (200, {"status": "ok"})


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
async def test_probes_allow_reading_only(address: str) -> None:
    assert (await AsyncClient().post(address)).status_code == 405


# /readyz


@pytest.mark.django_db(transaction=True)
async def test_process_that_can_serve_is_ready(layer: str, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = await AsyncClient().get("/readyz", headers={"host": "10.0.0.7:8000"})
    assert "no-store" in answer["Cache-Control"]
    if layer == "lossy":
        # It may have lost the word; then it says so.
        assert answer.status_code in {200, 503}
        return
    assert (answer.status_code, json.loads(answer.content)) == (200, {"status": "ready", "parts": OK})
    assert await ready() == (200, {"status": "ready", "parts": OK})


@pytest.mark.django_db(transaction=True)
async def test_failing_database_is_named_without_its_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("no connection to db.internal as outcry:secret")

    monkeypatch.setattr(health, "_ask", away)
    assert await ready() == (
        503,
        {"status": "not_ready", "parts": {**OK, "database": "failed", "migrations": "failed"}},
    )
    monkeypatch.undo()
    assert (await ready())[0] == 200


@pytest.mark.django_db(transaction=True)
async def test_hanging_database_fails_after_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    asked = 0

    def hang() -> None:
        nonlocal asked
        asked += 1
        answered.wait()

    monkeypatch.setattr(health, "_ask", hang)
    monkeypatch.setattr(health, "TIMEOUT_SECONDS", 0.1)
    try:
        answers = await asyncio.gather(*(health._readinesses.here().parts() for _ in range(5)))
        # All of them waited for the same look.
        assert asked == 1
        assert (await ready())[0] == 503
    finally:
        answered.set()
    assert not any(parts["database"] for parts in answers)


@pytest.mark.django_db(transaction=True)
async def test_a_database_of_an_earlier_release_is_not_ready() -> None:
    def record(*, applied: bool) -> None:
        [newest] = MigrationLoader(connection).graph.leaf_nodes("conversations")
        recorder = MigrationRecorder(connection)
        (recorder.record_applied if applied else recorder.record_unapplied)(*newest)

    await database.call(lambda: record(applied=False))
    try:
        assert await ready() == (503, {"status": "not_ready", "parts": {**OK, "migrations": "failed"}})
    finally:
        await database.call(lambda: record(applied=True))
    assert await ready() == (200, {"status": "ready", "parts": OK})


@pytest.mark.django_db(transaction=True)
async def test_failing_channel_layer_is_named(settings: Settings) -> None:
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }
    assert await ready() == (503, {"status": "not_ready", "parts": {**OK, "channel_layer": "failed"}})


@pytest.mark.django_db(transaction=True)
async def test_lossy_channel_layer_fails_after_the_timeout(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "TIMEOUT_SECONDS", 1.0)
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"expiry": -1}}
    }
    assert await ready() == (503, {"status": "not_ready", "parts": {**OK, "channel_layer": "failed"}})
