"""Fixtures for all tests: people, a model provider, channel layers, and an end to every thread."""

import asyncio
import contextlib
import inspect
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import hypothesis
import pytest
import pytest_asyncio
from asgiref.sync import SyncToAsync
from channels.layers import channel_layers
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.test import TransactionTestCase
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest_django import DjangoDbBlocker, Settings

from conversations.access import rate_limits
from conversations.event_log import appender
from conversations.infrastructure import tracing
from conversations.infrastructure.availability import CHANNEL_LAYER
from conversations.models import Conversation
from conversations.providers import circuit_breaker, refusals
from conversations.runs import loading, supervisor
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support import database, debates, servers

# A busy machine takes its time to make an example and to try it; neither is what a test is about.
hypothesis.settings.register_profile(
    "outcry", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("outcry")

# Selection

# Of a file.
MANY_TESTS = 30
# Names of the parametrised tests that were collected.
_FIRST_ROWS = pytest.StashKey[set[str]]()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark tests that compute and nothing else, and all rows of a parametrised test but its first."""
    if not _uses_the_database(item) and not inspect.iscoroutinefunction(getattr(item, "function", None)):
        item.add_marker(pytest.mark.pure)
    if hasattr(item, "callspec"):
        known, name = item.config.stash.setdefault(_FIRST_ROWS, set()), item.nodeid.partition("[")[0]
        if name in known:
            item.add_marker(pytest.mark.another_row)
        known.add(name)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Among several workers, begin with the longest files, so that no worker runs one alone at the end."""
    if hasattr(config, "workerinput"):
        tests = Counter(item.path for item in items)
        items.sort(key=lambda item: _rank(item, tests[item.path]))


def _rank(item: pytest.Item, tests: int) -> int:
    """0 for clusters and killed processes (minutes a file), 1 for whole servers and browsers, 2 for other files with
    many tests, 3 for the rest."""
    if item.path.is_relative_to(servers.ROOT / "reliability"):
        return 0
    if any(item.iter_markers("e2e")) or any(item.iter_markers("slow")):
        return 1
    return 2 if tests >= MANY_TESTS else 3


def _uses_the_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return item.get_closest_marker("django_db") is not None or not {"db", "transactional_db"}.isdisjoint(
        fixtures
    )


# People


def _person(name: str, **how: Any) -> User:
    # No password: hashing one takes longer than most tests. They sign in with `force_login`.
    return get_user_model().objects.create(username=name, email=f"{name}@example.com", password="!", **how)


@pytest.fixture
def alice(transactional_db: None) -> User:
    """Somebody with an account."""
    return _person("alice")


@pytest.fixture
def bob(transactional_db: None) -> User:
    """Somebody else."""
    return _person("bob")


@pytest.fixture
def carol(transactional_db: None) -> User:
    """Staff, with the right to review everybody's conversations."""
    carol = _person("carol", is_staff=True)
    rights = ("review_conversation", "view_conversation", "view_event")
    carol.user_permissions.add(*Permission.objects.filter(codename__in=rights))
    return carol


@pytest.fixture
def conversation(alice: User) -> Conversation:
    """A queued conversation of alice's; its log holds one event."""
    return debates.create(alice)


# What most tests are not about


@pytest.fixture(scope="session", autouse=True)
def _built_before_any_test() -> None:
    """The application keeps settings that it was built with (the redirect to HTTPS, the transports): built during a
    test that changes one, it would answer all later tests of the process by it."""
    import_module("config.asgi")


@pytest.fixture(autouse=True)
def _plain(settings: Settings) -> Iterator[None]:
    """A model that fails ends its debate, a process that stops does so at once; no test remembers another. Passwords
    are hashed as quickly as anything can be: a real hash takes longer than most tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.OUTCRY_DEMO_FALLBACK = False
    settings.OUTCRY_GRACE_SECONDS = 0
    yield
    cache.clear()
    rate_limits.limiter_in_memory.cache_clear()
    circuit_breaker.local_records.clear()
    refusals.forget()


# A model provider


@pytest_asyncio.fixture
async def openai(settings: Settings) -> AsyncIterator[OpenAIServer]:
    """The stand-in for a model provider, in the test's event loop; every debate speaks to it."""
    # The first debate of a process imports AG2, for longer than tests wait on a busy machine.
    await loading.load()
    async with OpenAIServer() as server:
        settings.OUTCRY_PROVIDERS = [server.provider]
        yield server


# Telemetry


@pytest.fixture
def recorded() -> Iterator[InMemorySpanExporter]:
    """What is recorded, with telemetry on in this process."""
    kept, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracing.use(provider)
    yield kept
    tracing.use(None)
    provider.shutdown()


# Channel layers


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis server."""
    with servers.redis_server(servers.require("Redis", "redis-server", "valkey-server")) as url:
        yield url


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis), "lossy"])
def layer(request: pytest.FixtureRequest, settings: Settings) -> str:
    """Each channel layer in turn: two that Outcry runs on, and one that loses, repeats and reorders messages."""
    name: str = request.param
    backends: dict[str, dict[str, Any]] = {
        "memory": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
        "lossy": {"BACKEND": "tests.fakes.lossy_layer.LossyChannelLayer"},
    }
    if name == "redis":
        hosts = [request.getfixturevalue("redis_url")]
        backends["redis"] = {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": hosts},
        }
    settings.CHANNEL_LAYERS = {"default": backends[name]}
    return name


# Cleaning up

LOOP_THREADS = 8


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> None:
    """In place of pytest-django's, which migrates in every process."""
    with django_db_blocker.unblock():
        database.use_copy()


@pytest.fixture(scope="session", autouse=True)
def _forget_quickly() -> Iterator[None]:
    """Django's own way, `flush`, makes every content type and permission anew: most of a short test's time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", _forget)
        yield


def _forget(_: TransactionTestCase) -> None:
    """Delete all rows but what migrating made. Foreign keys are checked at the end of the transaction."""
    kept = {"django_migrations", "django_content_type", "auth_permission", "django_site"}
    with transaction.atomic(), connection.cursor() as cursor:
        for table in sorted(set(connection.introspection.django_table_names(only_existing=False)) - kept):
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")


@pytest.fixture(autouse=True)
def _fresh_layers() -> Iterator[None]:
    yield
    channel_layers.backends.clear()
    # An outage that one test leaves would keep the next one's from being logged.
    CHANNEL_LAYER.reset()


@pytest.fixture(autouse=True)
def _threads_ended(_django_db_marker: None) -> Iterator[None]:
    """No thread holds a connection that the clean-up of the database would wait for."""
    yield
    appender.close()
    # Where Django runs what is not async, unless a server gives each request a thread.
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


@pytest.fixture(autouse=True)
def _tasks_ended(request: pytest.FixtureRequest, _threads_ended: None) -> None:
    """Before the threads end, no debate of the test runs on."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_debates_ended")


@pytest_asyncio.fixture
async def _debates_ended() -> AsyncIterator[None]:
    executor = ThreadPoolExecutor(LOOP_THREADS)
    asyncio.get_running_loop().set_default_executor(executor)
    yield
    await supervisor.tasks.cancel()
    await supervisor.adoptions.cancel()
    # Django renders error pages in the loop's executor, and leaves a connection in whichever thread did it. The barrier
    # has every thread take one of these.
    barrier = threading.Barrier(LOOP_THREADS)
    await asyncio.gather(*(asyncio.to_thread(_close_connections, barrier) for _ in range(LOOP_THREADS)))


def _close_connections(barrier: threading.Barrier) -> None:
    with contextlib.suppress(threading.BrokenBarrierError):
        barrier.wait(PATIENCE_SECONDS)
    connections.close_all()
