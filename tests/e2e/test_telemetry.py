"""Traces of a whole server, as a collector gets them: one a debate, from the request to the paint, and without a word
of what is said."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from conversations.agents.tools import ask_human
from reliability.chaos.installation import SHORT_LEASES
from scripts.ports import free_port
from tests.e2e import person, programs
from tests.e2e.conftest import spoken_by
from tests.e2e.site import ROOT, Site, running_beside
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.otlp_collector import Collector, Span, collecting
from tests.fakes.replies import Reply, says
from tests.fakes.waiting import Gate
from tests.support import servers

pytestmark = pytest.mark.e2e

# For whole servers on a busy machine.
PATIENCE_SECONDS = 120.0
AGENTS = ["Financial Analyst", "Market Context", "Risk Challenger", "Moderator"]
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as collector:
        yield collector


def traced(collector: Collector, model_port: int, **more: str) -> dict[str, str]:
    """The settings of a site that tells the collector soon."""
    return {
        **spoken_by(model_port),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_SERVICE_NAME": "floor",
        **more,
    }


def begin(site: Site, cookies: str, fields: Mapping[str, Any], **headers: str) -> dict[str, Any]:
    """Start a debate by a request, as the page does."""
    token = next(part.partition("=")[2] for part in cookies.split("; ") if part.startswith("csrftoken="))
    request = urllib.request.Request(
        f"{site.url}/api/conversations/",
        json.dumps(fields).encode(),
        {"Content-Type": "application/json", "Cookie": cookies, "X-CSRFToken": token, **headers},
    )
    with urllib.request.urlopen(request) as answer:
        started: dict[str, Any] = json.load(answer)
    return started


async def watch(
    connection: ClientConnection, answer: str | None = None, gate: Gate | None = None
) -> list[dict[str, Any]]:
    """Every frame to the end, each acknowledged as a page does that has painted it; and an answer, when asked. For each
    begin of a message and its first word, the gate lets one word through: what comes at once is sent as a whole."""
    seen = []
    async for frame in programs.frames(connection):
        seen.append(frame)
        if frame["seq"] is not None:
            # After the last event the server closes.
            with contextlib.suppress(ConnectionClosed):
                await connection.send(json.dumps({"type": "ack", "seq": frame["seq"]}))
        is_first = frame["type"] == "token" and frame["data"]["offset"] == 0
        if gate is not None and (is_first or frame["type"] == "message_start"):
            # The answer's end waits at the gate, too.
            gate.let(2 if is_first else 1)
        if frame["type"] == "input_request":
            said = {"type": "input", "text": answer, "reply_to": frame["data"]["request"]}
            await connection.send(json.dumps(said))
    return seen


async def ended(collector: Collector, times: int = 1) -> Span:
    """The run's span that came last, once there are so many."""
    await collector.until(lambda: len(collector.named("debate")) >= times, PATIENCE_SECONDS)
    return collector.named("debate")[-1]


async def test_a_debate_is_one_trace_from_the_request_to_the_paint(
    collector: Collector, model: OpenAIServer, model_port: int, tmp_path: Path
) -> None:
    async with running_beside(tmp_path, traced(collector, model_port)) as site:
        cookies = await asyncio.to_thread(programs.signed_in, site)
        gate = Gate()
        model.answer(says("One ", "two.", gate=gate), times=3)
        sent = {"topic": "Is Tarnwick worth buying?", "rounds": 1}
        started = await asyncio.to_thread(
            begin, site, cookies, sent, Traceparent=f"00-{TRACE}-{PARENT}-01", Tracestate="foe=1"
        )
        async with programs.socket(site, cookies, f"/ws/conversations/{started['id']}/") as connection:
            seen = await watch(connection, gate=gate)
        debate = await ended(collector)
        await collector.until(lambda: len(collector.named("paint")) >= 3, PATIENCE_SECONDS)

    assert {span.trace for span in collector.spans} == {TRACE}
    [start] = collector.named("start")
    assert (start.parent, start.values["outcry.door"], start.has_failed) == (PARENT, "http", False)
    assert debate.parent == start.id
    assert debate.values["outcry.conversation"] == started["id"]
    assert debate.values["outcry.attempts"] == 1

    turns = [span for span in collector.below(debate) if span.name == "turn"]
    assert [turn.values["outcry.agent"] for turn in turns] == AGENTS
    messages = [frame["data"]["message"] for frame in seen if frame["type"] == "agent_message"]
    assert [turn.values["outcry.message"] for turn in turns] == messages
    for turn in turns:
        assert turn.values["gen_ai.request.model"] == "stand-in"
        assert turn.values["gen_ai.usage.input_tokens"] == 120
        # Its price is unknown.
        assert "outcry.usd" not in turn.values
        [agent] = collector.below(turn)
        assert agent.name == f"invoke_agent {turn.values['outcry.agent']}"
        assert {span.name for span in collector.below(agent)} == {"chat stand-in", "record_usage"}
    assert all(turn.events == ("first_word",) for turn in turns[:3])

    commits = [span for span in collector.below(debate) if span.name == "log.commit"]
    assert {span.scope for span in commits} == {"outcry"}
    # Not one for each word.
    assert len(commits) <= sum(frame["type"] != "token" for frame in seen if frame["seq"] is not None)

    way = [span for span in collector.below(start) if span.name in {"deliver", "paint"}]
    assert {span.values["outcry.transport"] for span in way} == {"websocket"}
    delivered = [span.values["outcry.message"] for span in way if span.name == "deliver"]
    painted = [span.values["outcry.message"] for span in way if span.name == "paint"]
    # One a message, but where it began before anybody watched; the verdict has no words that stream.
    assert {*messages[1:]} <= {*delivered} <= {*messages}
    assert len(delivered) == len({*delivered})
    assert sorted(painted) == sorted(messages[:3])
    assert all(span.began <= span.ended for span in collector.spans)
    resource = collector.spans[0].resource
    assert (resource["service.name"], resource["outcry.role"]) == ("floor", "web")
    assert "tracestate" not in str(collector.bodies).lower()


async def test_a_trace_goes_from_the_click_to_the_paint_in_a_browser(
    collector: Collector, model: OpenAIServer, model_port: int, tmp_path: Path, page: Page
) -> None:
    model.default = Reply(["Word "] * 40, tokens_per_second=20)
    async with running_beside(tmp_path, traced(collector, model_port)) as site:
        await person.sign_in(page, site)
        # A form that takes its time between the click and its request.
        await page.evaluate(
            "document.querySelector('form[data-api]').addEventListener('submit', () => {"
            " const end = performance.now() + 50; while (performance.now() < end); }, true)"
        )
        await person.start(page, "Is Tarnwick worth buying?", rounds=1)
        await person.expect_finished(page)
        debate = await ended(collector)
        await collector.until(lambda: collector.named("paint"), PATIENCE_SECONDS)
    [start] = collector.named("start")
    assert debate.parent == start.id
    assert start.events == ("arrived",)
    # From the click: by so much before the request came.
    assert start.times["arrived"] - start.began >= 50_000_000
    paint = collector.named("paint")[0]
    assert paint.parent == start.id
    assert paint.ended > start.ended


async def test_no_span_holds_what_anybody_said_or_any_key(
    collector: Collector, model: OpenAIServer, model_port: int, tmp_path: Path
) -> None:
    marks = {
        name: f"{name}-quokka"
        for name in ("topic", "content", "answer", "question", "human", "user", "key", "collectorkey", "mail")
    }
    env = traced(
        collector,
        model_port,
        DJANGO_SUPERUSER_USERNAME=marks["user"],
        DJANGO_SUPERUSER_EMAIL=f"{marks['mail']}@example.com",
        OPENAI_API_KEY=f"sk-{marks['key']}",
        OTEL_EXPORTER_OTLP_HEADERS=f"authorization=Bearer {marks['collectorkey']}",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        OUTCRY_DEMO_FALLBACK="false",
        OUTCRY_LOG_FORMAT="json",
    )
    asks = (ask_human.NAME, json.dumps({"question": f"Which {marks['question']}?"}))
    model.answer(says(f"I hold {marks['answer']}. ", calls=[asks]), to="Financial Analyst")
    async with running_beside(tmp_path, env) as whose:
        site = replace(whose, username=marks["user"])
        cookies = await asyncio.to_thread(programs.signed_in, site)
        sent = {"topic": f"Is {marks['topic']} safe?", "content": f"It is {marks['content']}.", "rounds": 1}
        async with programs.socket(site, cookies) as connection:
            await connection.send(json.dumps({"type": "start", **sent}))
            seen = await watch(connection, marks["human"])
        await ended(collector)
        model.answer(says(status=401))
        async with programs.socket(site, cookies) as connection:
            await connection.send(json.dumps({"type": "start", **sent}))
            await watch(connection)
        failed = await ended(collector, 2)

    told = json.dumps(seen)
    # Without these, nothing would be shown.
    assert all(marks[name] in told for name in ("answer", "question", "human", "user"))
    assert any(span.name == "execute_tool" for span in collector.spans)
    assert failed.has_failed
    assert failed.values["outcry.code"] == "provider_unauthorized"
    refused = [span for span in collector.below(failed) if span.name == "turn"]
    assert [span.values["outcry.code"] for span in refused] == ["provider_unauthorized"]
    lines = [
        json.loads(line) for line in (tmp_path / "server.log").read_text().splitlines() if line[:1] == "{"
    ]
    [line] = [line for line in lines if line["event"] == "turn_failed"]
    assert (line["trace_id"], line["span_id"]) == (refused[0].trace, refused[0].id)
    assert collector.headers["authorization"] == f"Bearer {marks['collectorkey']}"
    exported = b"".join(collector.bodies).lower()
    assert b"quokka" not in exported
    # Of an exception, which AG2 records whole.
    assert b"secret-detail" not in exported
    assert "a2a-python-sdk" not in {span.scope for span in collector.spans}


async def test_after_a_kill_the_next_run_goes_on_with_the_same_trace(
    collector: Collector, model: OpenAIServer, model_port: int, tmp_path: Path
) -> None:
    gate, port = Gate(), free_port()
    model.answer(says("One ", "two.", gate=gate), to="Market Context")
    env = traced(collector, model_port, **SHORT_LEASES)
    async with running_beside(tmp_path, env, port) as site:
        cookies = await asyncio.to_thread(programs.signed_in, site)
        sent = {"topic": "Is Tarnwick worth buying?", "rounds": 1}
        started = await asyncio.to_thread(begin, site, cookies, sent)
        await gate.reached(1)
        await collector.until(lambda: collector.named("turn"), PATIENCE_SECONDS)
        await collector.until(lambda: collector.named("start"), PATIENCE_SECONDS)
        site.process.kill()
    gate.open()
    async with running_beside(tmp_path, env, port) as site:
        async with programs.socket(site, cookies, f"/ws/conversations/{started['id']}/") as connection:
            await watch(connection)
        debate = await ended(collector)

    [start] = collector.named("start")
    assert start.parent == ""
    assert {span.trace for span in collector.spans} == {start.trace}
    assert (debate.parent, debate.values["outcry.attempts"]) == (start.id, 1 + 1)
    turns = collector.named("turn")
    assert [turn.values["outcry.agent"] for turn in turns] == AGENTS
    # The first was spoken by the run that was killed, which tells nothing of itself any more.
    assert turns[0].parent not in {span.id for span in collector.spans}
    assert {turn.parent for turn in turns[1:]} == {debate.id}
    assert len({span.resource["service.instance.id"] for span in collector.spans}) == 2


async def test_a_server_that_is_told_to_stop_tells_what_is_left(
    collector: Collector, model: OpenAIServer, model_port: int, tmp_path: Path
) -> None:
    # So late that only the end can have sent it.
    env = traced(collector, model_port, OTEL_BSP_SCHEDULE_DELAY="3600000")
    async with running_beside(tmp_path, env) as site:
        cookies = await asyncio.to_thread(programs.signed_in, site)
        async with programs.socket(site, cookies) as connection:
            await connection.send('{"type": "start", "topic": "Is Tarnwick worth buying?", "rounds": 1}')
            await watch(connection)
        assert collector.spans == []
    [debate] = collector.named("debate")
    [start] = collector.named("start")
    assert (debate.parent, start.values["outcry.door"]) == (start.id, "websocket")
    assert len(collector.named("turn")) == len(AGENTS)


@contextmanager
def working(site: Site, env: Mapping[str, str], port: int) -> Iterator[None]:
    """A worker of the site's, until the context is left."""
    environment = {**os.environ, "OUTCRY_DATA_DIR": str(site.data_dir), "OUTCRY_LOG_LEVEL": "WARNING", **env}
    command = [sys.executable, "manage.py", "work", "--port", str(port)]
    with (site.data_dir / "worker.log").open("a") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)


@pytest.mark.postgres
@pytest.mark.redis
async def test_a_trace_goes_through_the_web_process_and_the_worker(
    collector: Collector, model: OpenAIServer, model_port: int, tmp_path: Path, redis_url: str
) -> None:
    gate, port = Gate(), free_port()
    model.answer(says("One ", "two.", gate=gate), times=3)
    with servers.postgres_cluster() as database:
        env = traced(
            collector,
            model_port,
            DATABASE_URL=database,
            REDIS_URL=redis_url,
            OUTCRY_RUNNER="worker",
            OUTCRY_METRICS_NETWORKS="127.0.0.1",
        )
        async with running_beside(tmp_path, env) as site:
            with working(site, env, port):
                cookies = await asyncio.to_thread(programs.signed_in, site)
                async with programs.socket(site, cookies) as connection:
                    await connection.send(
                        '{"type": "start", "topic": "Is Tarnwick worth buying?", "rounds": 1}'
                    )
                    await watch(connection, gate=gate)
                await ended(collector)
                numbers = await asyncio.to_thread(read, f"http://127.0.0.1:{port}/metrics")
        [start], [debate] = collector.named("start"), collector.named("debate")
    assert (start.resource["outcry.role"], debate.resource["outcry.role"]) == ("web", "worker")
    assert {span.trace for span in collector.spans} == {start.trace}
    assert debate.parent == start.id
    roles = {span.name.partition(" ")[0]: span.resource["outcry.role"] for span in collector.spans}
    assert roles == {
        **dict.fromkeys(["start", "deliver", "paint"], "web"),
        **dict.fromkeys(["debate", "turn", "log.commit", "invoke_agent", "chat", "record_usage"], "worker"),
    }
    assert 'outcry_process{role="worker",version="unreleased"} 1.0' in numbers
    assert 'outcry_runs_total{what="ended"} 1.0' in numbers
    assert "outcry_jobs_waiting 0.0" in numbers


def read(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        text: str = answer.read().decode()
    return text
