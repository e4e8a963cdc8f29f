"""/metrics: who may read it, and what it says."""

import json
import re
from dataclasses import dataclass
from ipaddress import ip_network
from uuid import uuid4

import pytest
from channels.testing import HttpCommunicator
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from config.env.telemetry import metrics_networks, metrics_token
from conversations.domain.enums import Status
from conversations.domain.errors import ProviderError
from conversations.domain.events import Usage
from conversations.event_log import appender
from conversations.infrastructure import database, metrics
from conversations.infrastructure.metrics import RUN_OUTCOMES
from conversations.providers import catalog, circuit_breaker
from conversations.runs import job_queue, supervisor
from streaming.monitoring import dashboard as monitor
from streaming.statistics import counters
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate
from tests.support import debates
from tests.support.metrics import Samples, samples, since
from tests.support.servers import ROOT
from tests.support.sockets import browser, path_of

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "a-token-of-many-characters"


_before: Samples = {}


@pytest.fixture(autouse=True)
def _counted_before() -> None:
    _before.clear()
    _before.update(samples())


@pytest.fixture
def token(settings: Settings) -> str:
    settings.OUTCRY_METRICS_TOKEN = TOKEN
    return TOKEN


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str


async def ask(peer: str = "127.0.0.1", method: str = "GET", **headers: str) -> Answer:
    """What the real application answers to this peer."""
    from config.asgi import application

    sent = {"host": "testserver", **headers}
    encoded = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in sent.items()]
    request = HttpCommunicator(application, method, "/metrics", headers=encoded)
    request.scope["client"] = (peer, 50_000)
    answer = await request.get_response(timeout=PATIENCE_SECONDS)
    await request.wait(timeout=PATIENCE_SECONDS)
    received = {name.decode().lower(): value.decode() for name, value in answer["headers"]}
    return Answer(answer["status"], received, answer["body"].decode())


async def read() -> Samples:
    """Every sample that a scrape gets, less what was counted before the test."""
    answer = await ask(authorization=f"Bearer {TOKEN}")
    assert answer.status == 200
    return since(_before, samples(text_string_to_metric_families(answer.text)))


# Who may


async def test_metrics_are_off_by_default() -> None:
    assert (await ask()).status == 404
    assert (await ask(authorization=f"Bearer {TOKEN}")).status == 404


async def test_right_token_may_read(token: str) -> None:
    answer = await ask(authorization=f"bearer {token}")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "no-store" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer wrong", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer ü"]
)
async def test_wrong_token_gets_401(token: str, authorization: str) -> None:
    answer = await ask(authorization=authorization)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "outcry_" not in answer.text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("10.1.2.3", 200),
        ("::ffff:10.1.2.3", 200),
        ("::1", 200),
        ("11.1.2.3", 403),
        ("::2", 403),
        ("not an address", 403),
    ],
)
async def test_a_network_may_read_without_a_token(settings: Settings, address: str, status: int) -> None:
    settings.OUTCRY_METRICS_NETWORKS = [ip_network("10.0.0.0/8"), ip_network("::1")]
    assert (await ask(address)).status == status


@pytest.mark.parametrize(
    ("proxies", "forwarded", "status"),
    [
        (0, "10.1.2.3", 403),  # nobody's word but the peer's own
        (1, "10.1.2.3", 200),
        (1, "10.1.2.3, 8.8.8.8", 403),  # what the client itself sent stands first
        (1, "8.8.8.8, 10.1.2.3", 200),
        (2, "10.1.2.3", 403),  # not through all proxies
    ],
)
async def test_forwarded_address_counts_from_trusted_proxies(
    settings: Settings, proxies: int, forwarded: str, status: int
) -> None:
    settings.OUTCRY_METRICS_NETWORKS = [ip_network("10.0.0.0/8")]
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    assert (await ask("192.0.2.1", x_forwarded_for=forwarded)).status == status


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Bearer None"])
async def test_empty_token_is_refused_where_none_is_set(settings: Settings, authorization: str) -> None:
    settings.OUTCRY_METRICS_NETWORKS = [ip_network("10.0.0.0/8")]
    assert (await ask("192.0.2.1", authorization=authorization)).status == 403


async def test_metrics_allow_reading_only(token: str) -> None:
    assert (await ask(method="POST", authorization=f"Bearer {token}")).status == 405


async def test_it_is_read_by_address_and_without_https(token: str, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["outcry.example"]
    assert (await ask(host="10.0.0.7:8000", authorization=f"Bearer {token}")).status == 200


# What it says


async def test_watchers_and_debates_are_counted(token: str, alice: User) -> None:
    conversation, other = await database.call(lambda: [debates.create(alice) for _ in range(2)])
    await appender.append(other.pk, debates.status(Status.COMPLETED))
    async with browser(alice, path_of(other)) as over:
        await over.until_closed()
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status")
        for counter, amount in (
            (counters.DROPS_REPAIRED, 3),
            (counters.TOKENS_SPOKEN, 5),
            (counters.TOKENS_DELIVERED, 6),
        ):
            counter.inc(amount)
        scraped = await read()
    assert scraped["outcry_watchers", "streaming"] == 1
    assert scraped["outcry_watchers", "lagging"] == scraped["outcry_watchers_lagging",] == 0
    assert scraped["outcry_debates_watched",] == 1
    assert (scraped["outcry_debates", "queued"], scraped["outcry_debates", "completed"]) == (1, 1)
    assert scraped["outcry_channel_drops_repaired_total",] == 3
    assert scraped["outcry_log_pages_read_total",] >= 2
    assert scraped["outcry_tokens_spoken_total",] == 5
    assert scraped["outcry_tokens_delivered_total",] == 6
    assert scraped["outcry_closes_total", "1000", "ended"] == 1
    assert (scraped["outcry_connections", "websocket"], scraped["outcry_connections", "sse"]) == (1, 0)
    assert scraped["outcry_process", "web", "unreleased"] == 1
    assert scraped["process_resident_memory_bytes",] > 0


async def test_paints_are_a_histogram(token: str) -> None:
    for seconds in (0.0005, 0.0015, 0.1, 0.1, 300.0):
        counters.painted(seconds)
    scraped = await read()
    buckets = {key[1]: value for key, value in scraped.items() if key[0] == "outcry_paint_seconds_bucket"}
    assert (buckets["0.001"], buckets["0.002"], buckets["0.064"], buckets["0.128"]) == (1, 2, 2, 4)
    assert (buckets["65.536"], buckets["+Inf"], scraped["outcry_paint_seconds_count",]) == (4, 5, 5)
    assert scraped["outcry_paint_seconds_sum",] == pytest.approx(300.202)


async def test_runs_turns_and_commits_are_counted(
    token: str, alice: User, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_PROVIDERS = [openai.provider]
    gate = Gate()
    openai.answer(says("One.", usage=None), to="Financial Analyst")
    openai.answer(says("Two.", gate=gate), to="Market Context")
    conversation, _ = await database.call(lambda: [debates.create(alice) for _ in range(2)])
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    scraped = await read()
    assert (scraped["outcry_debates_running",], scraped["outcry_debates_waiting",]) == (1, 1)
    gate.open()
    await run
    scraped = await read()
    who = ("stand-in", "openai-compatible")
    assert scraped["outcry_debates_running",] == 0
    assert {what: scraped["outcry_runs_total", what] for what in RUN_OUTCOMES} == dict.fromkeys(
        RUN_OUTCOMES, 0
    ) | {
        "claimed": 1,
        "ended": 1,
    }
    assert scraped["outcry_turns_total", "stand-in", "spoken", "openai-compatible"] == 4
    # Of three turns the provider said how many tokens they took; of none is the price known.
    assert scraped["outcry_turn_tokens_total", "input", *who] == 3 * 120
    assert scraped["outcry_turns_unmetered_total", *who] == 1
    assert scraped["outcry_turns_unpriced_total", *who] == 4
    assert scraped.get(("outcry_cost_usd_total", *who), 0) == 0
    rows = len(await debates.rows(conversation)) - 1  # the first was stored by whoever started it
    assert scraped["outcry_log_commit_rows_sum",] == rows
    assert scraped["outcry_log_appends_total",] >= rows
    assert scraped["outcry_log_commit_seconds_count",] == scraped["outcry_log_commit_rows_count",] > 0


async def test_adopted_and_failed_runs_are_counted(token: str, alice: User, openai: OpenAIServer) -> None:
    gate = Gate()
    openai.answer(says("One.", gate=gate), to="Market Context")
    conversation = await debates.created(alice)
    await debates.cut(conversation, gate, "One.")
    openai.answer(says(status=401), to="Market Context")
    await supervisor.run(conversation.pk)
    scraped = await read()
    runs = {what: scraped["outcry_runs_total", what] for what in ("claimed", "adopted", "left", "failed")}
    assert runs == {"claimed": 1, "adopted": 1, "left": 1, "failed": 1}
    assert scraped["outcry_turns_total", "stand-in", "provider_unauthorized", "openai-compatible"] == 1


async def test_circuits_have_one_state(token: str, openai: OpenAIServer) -> None:
    [provider] = catalog.configured()
    label = "openai-compatible:stand-in"
    assert (await read())["outcry_circuit", label, "closed"] == 1
    await circuit_breaker.failed(provider, ProviderError("provider_down", "It is down.", retryable=True))
    scraped = await read()
    states = {state: scraped["outcry_circuit", label, state] for state in ("closed", "open", "half_open")}
    assert states == {"closed": 0, "open": 1, "half_open": 0}


async def test_only_live_events_count_as_deliveries(token: str, alice: User) -> None:
    conversation = await debates.created(alice)
    start = debates.message_start(uuid4())
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status")
        # It was there before.
        assert (await read())["outcry_delivery_seconds_count",] == 0
        await appender.append(conversation.pk, start, debates.token(start.message, "One."))
        await tab.until("token")
        assert (await read())["outcry_delivery_seconds_count",] == 1


async def test_grafana_dashboard_queries_existing_metrics(
    token: str, alice: User, openai: OpenAIServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After one debate, and with a queue, every name and label of its queries is one that a process tells."""
    await database.call(debates.create, alice)
    conversation = await debates.created(alice)
    async with browser(alice, path_of(conversation)) as tab:
        await supervisor.run(conversation.pk)
        await tab.until_closed()
    metrics.turn_completed("openai", "gpt-5-mini", Usage(), 0.01)
    monkeypatch.setattr(job_queue, "is_used", lambda: True)
    monkeypatch.setattr(job_queue, "waiting", lambda: 1)
    text = (await ask(authorization=f"Bearer {TOKEN}")).text
    scraped = {
        sample.name: {*sample.labels} | {"job", "instance"}
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    dashboard = json.loads((ROOT / "deploy/grafana/outcry.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(queries) > 20
    asked = set()
    for query in queries:
        for name, labels in re.findall(r"((?:outcry|process)_\w+)\{([^}]*)\}", query):
            asked.add(name)
            wanted = {*re.findall(r"(\w+)(?:=|!)", labels)}
            for by in re.findall(r"by \(([^)]*)\)", query):
                wanted |= {*by.replace(" ", "").split(",")}
            assert (name in scraped, wanted - scraped.get(name, set())) == (True, set()), query
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    every = {re.sub(r"_(bucket|sum|count)$", "", name) for name in scraped if name.startswith("outcry_")}
    assert every - shown == set()


async def test_process_metrics_survive_a_database_outage(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("no connection to db.internal")

    monkeypatch.setattr(monitor, "debates", away)
    scraped = await read()
    assert scraped["outcry_tokens_delivered_total",] == 0
    assert not [key for key in scraped if key[0] == "outcry_debates"]


# Settings


@pytest.mark.parametrize("value", ["short", "sixteen characters", "ümlaut-and-long-enough", TOKEN + "\n"])
def test_weak_token_is_refused_without_repeating_it(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="OUTCRY_METRICS_TOKEN, use 16 or more of") as failure:
        metrics_token(value)
    assert value not in str(failure.value)


@pytest.mark.parametrize("value", ["10.0.0.1/8", "10.0.0.0/33", "internal", "10.0.0.0-10.0.0.9"])
def test_invalid_network_is_named(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"'{value}' in OUTCRY_METRICS_NETWORKS"):
        metrics_networks(["127.0.0.1", value])


def test_valid_access_settings_are_parsed() -> None:
    assert (metrics_token(""), metrics_token(TOKEN)) == ("", TOKEN)
    networks = metrics_networks(["127.0.0.1", "10.0.0.0/8", "::1"])
    assert [str(network) for network in networks] == ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]
