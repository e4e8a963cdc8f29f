"""The circuit breaker: when a provider is not asked any more, and when it is again."""

import pytest
import redis.exceptions
from django.core.cache import cache

from conversations.domain.errors import ProviderError
from conversations.providers import circuit_breaker
from conversations.providers.catalog import Provider, parse
from conversations.providers.circuit_breaker import State

PROVIDER = parse("openai-compatible:m@http://127.0.0.1:1/v1")


class Clock:
    """Stands in for `time` in the module."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(circuit_breaker, "time", clock)
    return clock


def failure(reason: str, retry_after: float | None = None) -> ProviderError:
    return ProviderError(reason, "It failed.", retryable=True, retry_after=retry_after)


def state(provider: Provider = PROVIDER) -> State:
    return circuit_breaker.statuses([provider])[0].state


async def refusal() -> ProviderError | None:
    try:
        await circuit_breaker.admit(PROVIDER)
    except ProviderError as refused:
        return refused
    return None


async def test_a_provider_that_has_not_failed_is_asked() -> None:
    assert await refusal() is None
    assert state() is State.CLOSED


@pytest.mark.parametrize("reason", sorted(circuit_breaker.PERSISTENT))
async def test_a_failure_that_the_next_would_meet_too_opens_at_once(reason: str) -> None:
    await circuit_breaker.failed(PROVIDER, failure(reason))
    refused = await refusal()
    assert refused is not None
    assert (refused.reason, refused.message) == (reason, "It failed.")
    assert refused.retry_after == pytest.approx(circuit_breaker.FIRST_SECONDS)


@pytest.mark.parametrize(
    "reason", ["provider_rejected", "provider_too_long", "provider_empty", "provider_looped"]
)
async def test_a_failure_that_is_about_the_request_opens_nothing(reason: str) -> None:
    for _ in range(10):
        await circuit_breaker.failed(PROVIDER, failure(reason))
    assert await refusal() is None


@pytest.mark.parametrize("reason", sorted(circuit_breaker.BROKEN_OFF))
async def test_answers_that_break_off_open_it_when_it_is_a_habit(reason: str) -> None:
    for _ in range(circuit_breaker.MAX_BROKEN_OFF - 1):
        await circuit_breaker.failed(PROVIDER, failure(reason))
        # It begins again, and breaks off again.
        await circuit_breaker.answering(PROVIDER)
    assert await refusal() is None
    await circuit_breaker.failed(PROVIDER, failure(reason))
    assert state() is State.OPEN


async def test_a_whole_answer_clears_its_name() -> None:
    for _ in range(5):
        await circuit_breaker.failed(PROVIDER, failure("provider_dropped"))
        await circuit_breaker.succeeded(PROVIDER)
    assert await refusal() is None


async def test_after_a_while_one_probe_is_let_through(clock: Clock) -> None:
    await circuit_breaker.failed(PROVIDER, failure("provider_down"))
    clock.now += circuit_breaker.FIRST_SECONDS
    assert state() is State.HALF_OPEN
    assert await refusal() is None
    second = await refusal()
    assert second is not None
    assert second.retry_after is None


async def test_a_probe_that_speaks_lets_the_others_in(clock: Clock) -> None:
    await circuit_breaker.failed(PROVIDER, failure("provider_down"))
    clock.now += circuit_breaker.FIRST_SECONDS
    await circuit_breaker.admit(PROVIDER)
    await circuit_breaker.answering(PROVIDER)
    assert await refusal() is None
    await circuit_breaker.succeeded(PROVIDER)
    assert (state(), cache.get(circuit_breaker._record_key(PROVIDER))) == (State.CLOSED, None)


async def test_a_probe_that_breaks_off_opens_it_again(clock: Clock) -> None:
    await circuit_breaker.failed(PROVIDER, failure("provider_down"))
    clock.now += circuit_breaker.FIRST_SECONDS
    await circuit_breaker.admit(PROVIDER)
    await circuit_breaker.answering(PROVIDER)
    await circuit_breaker.failed(PROVIDER, failure("provider_dropped"))
    assert state() is State.OPEN


async def test_each_failed_probe_doubles_the_wait_up_to_a_limit(clock: Clock) -> None:
    waits = []
    for _ in range(8):
        await circuit_breaker.failed(PROVIDER, failure("provider_down"))
        refused = await refusal()
        assert refused is not None
        assert refused.retry_after is not None
        waits.append(round(refused.retry_after))
        clock.now += refused.retry_after
        await circuit_breaker.admit(PROVIDER)
    assert waits == [10, 20, 40, 80, 160, 300, 300, 300]


async def test_many_debates_that_fail_at_once_are_one_failure() -> None:
    for _ in range(20):
        await circuit_breaker.failed(PROVIDER, failure("provider_unreachable"))
    refused = await refusal()
    assert refused is not None
    assert refused.retry_after == pytest.approx(circuit_breaker.FIRST_SECONDS)


@pytest.mark.parametrize(("stated", "waits"), [(3, 3), (100_000, circuit_breaker.LONGEST_SECONDS)])
async def test_a_limit_of_the_rate_is_open_for_as_long_as_was_asked(stated: float, waits: float) -> None:
    await circuit_breaker.failed(PROVIDER, failure("provider_rate_limited", retry_after=stated))
    refused = await refusal()
    assert refused is not None
    assert refused.retry_after == pytest.approx(waits)


async def test_a_probe_that_nobody_waited_for_leaves_room_for_another(clock: Clock) -> None:
    await circuit_breaker.failed(PROVIDER, failure("provider_down"))
    clock.now += circuit_breaker.FIRST_SECONDS
    await circuit_breaker.admit(PROVIDER)
    await circuit_breaker.abandoned(PROVIDER)
    assert await refusal() is None


async def test_a_person_who_wants_to_try_again_gets_a_probe() -> None:
    await circuit_breaker.failed(PROVIDER, failure("provider_unauthorized"))
    await circuit_breaker.let_probe([PROVIDER])
    assert await refusal() is None
    assert await refusal() is not None


async def test_providers_are_told_apart_by_all_they_are() -> None:
    await circuit_breaker.failed(PROVIDER, failure("provider_down"))
    others = [
        "openai-compatible:n@http://127.0.0.1:1/v1",
        "openai-compatible:m@http://127.0.0.1:2/v1",
        "openai:m",
    ]
    assert {state(parse(other)) for other in others} == {State.CLOSED}


async def test_what_another_process_found_holds_here(clock: Clock) -> None:
    await circuit_breaker.failed(PROVIDER, failure("provider_down"))
    circuit_breaker.local_records.clear()
    assert state() is State.OPEN
    # And so does what it cleared.
    await circuit_breaker.failed(PROVIDER, failure("provider_down"))
    cache.clear()
    assert state() is State.CLOSED


async def test_without_the_cache_a_process_goes_by_what_it_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def __getattr__(self, name: str) -> object:
            raise redis.exceptions.ConnectionError("away")

    monkeypatch.setattr(circuit_breaker, "cache", Away())
    assert await refusal() is None
    await circuit_breaker.failed(PROVIDER, failure("provider_down"))
    assert state() is State.OPEN
    await circuit_breaker.succeeded(PROVIDER)
    assert await refusal() is None


def test_nothing_of_the_address_is_in_the_cache_or_shown() -> None:
    secret = parse("openai-compatible:m@http://127.0.0.1:1/secret/v1")
    assert "secret" not in circuit_breaker._record_key(secret) + secret.label
