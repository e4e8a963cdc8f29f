"""How often one person may start, command and speak: whichever door they take, however many processes serve it."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings
from structlog.testing import capture_logs

from conversations.access import rate_limits
from conversations.domain import requests
from conversations.domain.enums import Action, Status
from conversations.domain.errors import Forbidden, NotFound, OutcryError, ProviderError, TooManyRequests
from conversations.domain.requests import Command, Input
from conversations.infrastructure import database
from conversations.infrastructure.availability import CACHE
from conversations.models import Conversation
from conversations.providers import catalog, circuit_breaker
from conversations.providers.circuit_breaker import State
from conversations.services import debates as services
from scripts.ports import free_port
from tests.fakes.openai_server import OpenAIServer
from tests.support import debates

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def somebody() -> str:
    """A person whom no other test has counted."""
    return str(uuid4())


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
def store(request: pytest.FixtureRequest, settings: Settings) -> Iterator[str]:
    """Where it is counted."""
    settings.REDIS_URL = request.getfixturevalue("redis_url") if request.param == "redis" else ""
    yield request.param
    rate_limits.limiter_in_redis.cache_clear()


async def counted(somebody: str, times: int) -> list[TooManyRequests | None]:
    """What each of so many starts at once heard."""
    outcomes = await asyncio.gather(
        *(rate_limits.start(somebody) for _ in range(times)), return_exceptions=True
    )
    refused: list[TooManyRequests | None] = []
    for outcome in outcomes:
        assert outcome is None or isinstance(outcome, TooManyRequests)
        refused.append(outcome)
    return refused


@pytest.mark.usefixtures("store")
async def test_more_than_the_rate_is_refused_with_the_time_to_wait(somebody: str, settings: Settings) -> None:
    settings.OUTCRY_START_RATE = "3/hour"
    refused = [outcome for outcome in await counted(somebody, 8) if outcome is not None]
    assert len(refused) == 5
    assert refused[0].code == "too_many_requests"
    assert refused[0].retry_after is not None
    assert 3_000 < refused[0].retry_after <= 3_600
    assert refused[0].message.startswith("Too many requests; try again in 3")


@pytest.mark.usefixtures("store")
async def test_each_person_and_each_thing_has_its_own_count(somebody: str, settings: Settings) -> None:
    settings.OUTCRY_START_RATE = settings.OUTCRY_CONTROL_RATE = "1/hour"
    assert await counted(somebody, 1) == [None]
    await rate_limits.control(somebody)
    await rate_limits.start(f"not {somebody}")
    with pytest.raises(TooManyRequests):
        await rate_limits.control(somebody)


@pytest.mark.redis
async def test_processes_count_together_in_redis(somebody: str, settings: Settings, redis_url: str) -> None:
    settings.REDIS_URL, settings.OUTCRY_START_RATE = redis_url, "1/hour"
    await rate_limits.start(somebody)
    # As another process would.
    rate_limits.limiter_in_redis.cache_clear()
    with pytest.raises(TooManyRequests):
        await rate_limits.start(somebody)
    rate_limits.limiter_in_redis.cache_clear()


async def test_while_the_store_is_away_everybody_is_let_through(somebody: str, settings: Settings) -> None:
    settings.REDIS_URL, settings.OUTCRY_START_RATE = f"redis://127.0.0.1:{free_port()}/0", "1/hour"
    CACHE.reset()
    with capture_logs() as logs:
        assert await counted(somebody, 3) == [None] * 3
    # Said once, not each time.
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("cache_away", "error")]
    rate_limits.limiter_in_redis.cache_clear()


# The doors


async def test_starting_is_counted_and_nothing_is_stored_when_refused(
    alice: User, bob: User, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_START_RATE = "2/hour"
    new = requests.NewConversation.parse({"topic": "Buy?", "rounds": 1})
    first = await services.start(alice, new)
    await services.restart(alice, first.pk)
    for refused in (services.start(alice, new), services.restart(alice, first.pk)):
        with pytest.raises(TooManyRequests):
            await refused
    assert await database.call(Conversation.objects.count) == 2
    await services.start(bob, new)


async def test_commanding_and_speaking_are_counted_together(alice: User, settings: Settings) -> None:
    settings.OUTCRY_CONTROL_RATE = "2/hour"
    conversation = await debates.created(alice)
    await services.control(alice, conversation.pk, Command(action=Action.PAUSE))
    await services.say(alice, conversation.pk, Input(text="What of the debt?"))
    for refused in (
        services.control(alice, conversation.pk, Command(action=Action.CANCEL)),
        services.say(alice, conversation.pk, Input(text="And the rent?")),
    ):
        with pytest.raises(TooManyRequests):
            await refused
    assert len(await debates.rows(conversation)) == 3


# Again


async def test_again_is_a_new_debate_with_the_same_input(alice: User, openai: OpenAIServer) -> None:
    asked = {
        "topic": "Sell?",
        "content": "Revenue 412 million.",
        "content_type": "earnings",
        "rounds": 1,
        "max_usd": 0.25,
        "max_tokens": 90_000,
        "max_seconds": 600,
    }
    first = await services.start(alice, requests.NewConversation.parse(asked))
    second = await debates.fresh(await services.restart(alice, first.pk))
    assert second.pk != first.pk
    assert (second.owner_id, second.panel) == (alice.pk, first.panel)
    assert {name: getattr(second, name) for name in asked} == {**asked, "max_usd": second.max_usd}
    assert float(second.max_usd or 0) == 0.25
    await debates.debates_ended()
    assert (await debates.fresh(second)).status == Status.COMPLETED


async def test_again_keeps_to_limits_that_have_become_stricter(
    alice: User, openai: OpenAIServer, settings: Settings
) -> None:
    first = await debates.created(alice, max_tokens=90_000)
    settings.OUTCRY_MAX_TOKENS_PER_CONVERSATION = 50_000
    assert (await services.restart(alice, first.pk)).max_tokens == 50_000


async def test_again_is_its_owner_s_only(alice: User, bob: User, carol: User) -> None:
    conversation = await debates.created(alice)
    refused: list[tuple[User, type[OutcryError]]] = [(carol, Forbidden), (bob, NotFound)]
    for person, why in refused:
        with pytest.raises(why):
            await services.restart(person, conversation.pk)
    assert await database.call(Conversation.objects.count) == 1


async def test_again_asks_models_that_are_left_alone_once_more(alice: User, openai: OpenAIServer) -> None:
    conversation = await debates.created(alice)
    [provider, *_] = catalog.live()
    await circuit_breaker.failed(
        provider, ProviderError("provider_unreachable", "It cannot be reached.", retryable=True)
    )
    [before] = circuit_breaker.statuses([provider])
    assert before.state is State.OPEN
    await services.restart(alice, conversation.pk)
    await debates.debates_ended()
    assert openai.asked
