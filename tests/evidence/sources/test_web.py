"""How a source is asked: with bounds, at its pace, from the cache, and not while it is down."""

import asyncio
import zlib
from dataclasses import replace

import pytest
from django.core.cache import cache

from conversations.infrastructure.evidence_cache import EvidenceCache
from evidence.record import MissingReason
from evidence.sources.base import Failed, Gathered, Job, Question, Source
from evidence.sources.gather import gather
from evidence.sources.json_parts import Parts, loads
from evidence.sources.web import Pace, Web
from tests.evidence.sources.stand_in import NETFLIX, QUICK, about, web
from tests.fakes.evidence_server import EvidenceServer
from tests.fakes.waiting import Gate


async def ask(asks: Web, server: EvidenceServer, path: str = "/a", most: int = 1000, **more: str) -> bytes:
    return await asks.ask(
        f"{server.url}{path}", more, bytes.upper, most=most, fresh=60, secret={"key": "hidden"}
    )


async def refused(asks: Web, server: EvidenceServer, most: int = 1000) -> MissingReason:
    with pytest.raises(Failed) as failed:
        await ask(asks, server, most=most)
    assert "hidden" not in str(failed.value)
    return failed.value.reason


async def test_an_answer_is_read_once_and_then_from_the_cache(server: EvidenceServer) -> None:
    server.answer("/a", "value")
    async with web() as asks:
        assert [await ask(asks, server) for _ in range(2)] == [b"VALUE", b"VALUE"]
        assert await ask(asks, server, other="1") == b"VALUE"
    assert [request.query.get("key") for request in server.asked] == ["hidden", "hidden"]


@pytest.mark.parametrize(
    ("status", "headers", "reason", "rests"),
    [
        (404, {}, MissingReason.NO_DATA, False),
        (400, {}, MissingReason.UNAVAILABLE, False),
        (302, {"Location": "http://169.254.169.254/"}, MissingReason.UNAVAILABLE, False),
        (403, {}, MissingReason.UNAVAILABLE, True),
        (429, {"Retry-After": "7"}, MissingReason.RATE_LIMITED, True),
        (503, {}, MissingReason.UNAVAILABLE, True),
    ],
)
async def test_a_source_that_is_down_is_left_alone_for_a_while(
    server: EvidenceServer, status: int, headers: dict[str, str], reason: MissingReason, *, rests: bool
) -> None:
    server.answer("/a", "no", status=status, headers=headers)
    async with web() as asks:
        assert await refused(asks, server) is reason
        server.answer("/a", "value")
        if rests:
            assert await refused(asks, server) is reason
            # Its rest is over.
            cache.delete("outcry:evidence:edgar:rest")
        assert await ask(asks, server) == b"VALUE"
    assert len(server.asked) == 2


async def test_a_source_that_nobody_listens_for_is_unavailable(server: EvidenceServer) -> None:
    async with web() as asks:
        with pytest.raises(Failed) as failed:
            await asks.ask("http://127.0.0.1:9/a", {}, bytes, most=10, fresh=60, secret={"key": "hidden"})
    assert failed.value.reason is MissingReason.UNAVAILABLE
    assert "hidden" not in str(failed.value)


async def test_a_silent_source_is_a_timeout(server: EvidenceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evidence.sources.web.ANSWER_SECONDS", 0.05)
    gate = Gate()
    server.answer("/a", "value", gate=gate)
    async with web() as asks:
        assert await refused(asks, server) is MissingReason.TIMEOUT
    gate.open()


@pytest.mark.parametrize("is_compressed", [False, True])
async def test_more_than_the_most_bytes_are_not_read(server: EvidenceServer, *, is_compressed: bool) -> None:
    body = b"a" * 100_000
    headers = {"Content-Encoding": "deflate"} if is_compressed else {}
    server.answer("/a", zlib.compress(body) if is_compressed else body, headers=headers)
    async with web() as asks:
        assert await refused(asks, server, most=99_999) is MissingReason.UNAVAILABLE
        assert len(await ask(asks, server, most=100_000)) == 100_000


async def test_a_source_is_asked_no_faster_than_it_allows(
    server: EvidenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer("/a", "value")
    monkeypatch.setattr("evidence.sources.web.WAIT_SECONDS", 0)
    # One window for the whole test.
    async with web(pace=Pace(2, 10**9)) as asks:
        for number in "12":
            await ask(asks, server, number=number)
        with pytest.raises(Failed) as failed:
            await ask(asks, server, number="3")
        assert failed.value.reason is MissingReason.RATE_LIMITED
        # What is in the cache costs no turn, and another source has its own pace.
        assert await ask(asks, server, number="1") == b"VALUE"
    async with web("fred", Pace(2, 10**9)) as other:
        assert await ask(other, server, number="3") == b"VALUE"
    assert len(server.asked) == 3


async def test_a_question_that_another_had_answered_meanwhile_needs_no_turn(server: EvidenceServer) -> None:
    server.answer("/a", "value")

    class Busy(EvidenceCache):
        async def count(self, key: str, seconds: int) -> int:
            async with web() as another:
                await ask(another, server)
            return QUICK.requests + 1

    async with web() as asks:
        assert await ask(replace(asks, shared=Busy()), server) == b"VALUE"
    assert len(server.asked) == 1


async def test_a_question_waits_for_the_next_window(server: EvidenceServer) -> None:
    server.answer("/a", "value")
    async with web(pace=Pace(1, 1)) as asks:
        await asyncio.gather(ask(asks, server, number="1"), ask(asks, server, number="2"))
    assert len(server.asked) == 2


class Jobs(Source):
    def __init__(self, *jobs: Job) -> None:
        self._jobs = jobs

    def jobs(self, question: Question) -> tuple[Job, ...]:
        return self._jobs


async def test_what_has_not_come_in_time_is_missing_and_the_rest_is_there() -> None:
    never = asyncio.Event()

    async def slow() -> Gathered:
        await never.wait()
        raise AssertionError

    async def wrong() -> Gathered:
        raise ZeroDivisionError

    async def quick() -> Gathered:
        return Gathered(missing=())

    jobs = [
        Job(name, [("NFLX", name)], run) for name, run in (("slow", slow), ("wrong", wrong), ("quick", quick))
    ]
    gathered = await gather([Jobs(*jobs)], about(NETFLIX, 2014, 1, 1), seconds=0.05)
    assert {each.metric: each.reason for each in gathered.missing} == {
        "slow": MissingReason.TIMEOUT,
        "wrong": MissingReason.UNAVAILABLE,
    }


def test_a_document_is_read_part_by_part() -> None:
    text = '{"a": {"b" : [1.10, "}{"], "c":{}}, "d": {}, "e": null}'
    parts = Parts(text)
    found = []
    for name in parts.members():
        if name in {"a", "d"}:
            found += [(name, inner, parts.value()) for inner in parts.members()]
        else:
            found.append((name, "", parts.value()))
    assert [(name, inner) for name, inner, _ in found] == [("a", "b"), ("a", "c"), ("e", "")]
    assert found[0][2] == loads('[1.10, "}{"]')
    assert str(found[0][2][0]) == "1.10"
