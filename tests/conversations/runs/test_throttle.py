"""A conversation's speed limit: never faster, not much slower, and nothing is lost."""

import asyncio

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.runs import supervisor
from conversations.runs.throttle import TokenRate
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.support import debates


class Clock:
    """The event loop's time, which passes only while somebody sleeps, each time a little longer than asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, late: float) -> None:
        self.now = 1_000.0
        self._late = late
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)
        monkeypatch.setattr("conversations.runs.throttle.asyncio.sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds + self._late


@pytest.mark.parametrize(("rate", "late"), [(1, 0.01), (20, 0.0), (50, 0.004), (1_000, 0.002)])
async def test_by_any_time_no_more_than_the_rate_has_passed(
    monkeypatch: pytest.MonkeyPatch, rate: float, late: float
) -> None:
    with monkeypatch.context() as patched:
        clock, limit = Clock(patched, late), TokenRate(rate)
        began, passed = clock.now, []
        for number in range(500):
            if number == 250:
                # A silent model saves nothing up.
                clock.now += 60
                resumed = clock.now
            await limit.wait()
            passed.append(clock.now)
    assert all(at - began >= count / rate - 1e-6 for count, at in enumerate(passed, 1))
    burst = sum(at <= resumed + 1 for at in passed[250:])
    assert burst <= rate * 1.5 + 1
    # Waking late does not add up.
    assert passed[249] - began <= 250 / rate + late + 1e-6


async def test_without_a_rate_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        clock, limit = Clock(patched, 0), TokenRate(None)
        await limit.wait()
        assert clock.now == 1_000


@pytest.mark.django_db(transaction=True)
async def test_a_paced_debate_says_everything(alice: User, openai: OpenAIServer, settings: Settings) -> None:
    settings.OUTCRY_MAX_TOKENS_PER_SECOND = 100
    words = [f"w{number} " for number in range(50)]
    openai.answer(says(*words), to="Financial Analyst")
    conversation = await debates.created(alice)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await supervisor.run(conversation.pk)
    assert loop.time() - began >= 0.5
    assert (await debates.state(conversation))["messages"][0]["text"] == "".join(words)
