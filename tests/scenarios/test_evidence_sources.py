"""A debate about what only the configured sources know: found before it costs, and frozen with what comes in time."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from conversations.domain.errors import InvalidInput
from conversations.domain.requests import NewConversation
from conversations.models import Conversation
from conversations.runs import gathering
from conversations.services import debates as use_cases
from evidence.record import Snapshot, load
from evidence.sources.config import SourceSettings
from tests.fakes.evidence_server import EvidenceServer, evidence_server, filing, stated
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate
from tests.support import debates

pytestmark = pytest.mark.django_db(transaction=True)

AS_OF = datetime(2013, 6, 30, 22, tzinfo=UTC)
REPORT = "0001065280-13-000008"


@pytest_asyncio.fixture
async def server(settings: Settings) -> AsyncIterator[EvidenceServer]:
    async with evidence_server() as found:
        found.companies((1065280, "NETFLIX INC", "NFLX", "Nasdaq"))
        revenue = stated(REPORT, "2012-12-31", 3609282000, start="2012-01-01", year=2012, filed="2013-02-01")
        found.reports(
            1065280,
            filing(REPORT, "2012-12-31", "2013-02-01T16:05:00"),
            facts={"us-gaap:Revenues": {"USD": [revenue]}},
            tickers=["NFLX"],
        )
        url = found.url
        settings.OUTCRY_EVIDENCE = SourceSettings("data@example.com", sec_url=url, sec_data_url=url)
        yield found


def asking(instrument: str = "netflix", **more: Any) -> NewConversation:
    values = {"topic": "Buy?", "rounds": 1, "instrument": instrument, "as_of": AS_OF.isoformat(), **more}
    return NewConversation.parse(values)


async def events(conversation: Conversation) -> list[tuple[str, dict[str, Any]]]:
    await debates.debates_ended()
    return [(type_, data) for _, type_, data in await debates.rows(conversation)]


async def started(alice: User, **values: Any) -> list[tuple[str, dict[str, Any]]]:
    conversation = await use_cases.start(alice, asking(**values))
    return await events(conversation)


def record(told: list[tuple[str, dict[str, Any]]]) -> Snapshot:
    frozen = next(data for type_, data in told if type_ == "snapshot")
    items = [item for type_, data in told if type_ == "evidence" for item in data["items"]]
    return Snapshot.model_validate(
        {"items": items} | {name: frozen[name] for name in ("as_of", "instrument", "missing")}
    )


async def test_a_company_that_only_a_source_knows_has_a_record(
    alice: User, openai: OpenAIServer, server: EvidenceServer
) -> None:
    openai.answer(says("Revenue was $3.609 billion in FY2012 [E1]."), to="Financial Analyst")
    told = await started(alice)
    frozen = record(told)
    assert frozen.instrument is not None
    assert (frozen.instrument.symbol, frozen.instrument.name, frozen.instrument.exchange) == (
        "NFLX",
        "Netflix",
        "NASDAQ",
    )
    first = frozen.items[0]
    assert (first.metric, first.period, first.locator) == (
        "revenue",
        "FY2012",
        f"10-K {REPORT} us-gaap:Revenues",
    )
    # No configured source has its prices, and the record says so.
    assert ("NFLX", "close", "not_configured") in {
        (each.subject, each.metric, each.reason) for each in frozen.missing
    }
    assert [item["label"] for type_, data in told if type_ == "figures" for item in data["items"]][:1] == [
        "matched"
    ]


async def test_sources_delay_the_record_but_not_the_beginning(
    alice: User, openai: OpenAIServer, server: EvidenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidence.sources.gather.SECONDS", 60)
    gate, path = Gate(), "/api/xbrl/companyfacts/CIK0001065280.json"
    server.answers[path] = replace(server.answers[path], gate=gate)
    conversation = await use_cases.start(alice, asking())
    await gate.reached(1)
    await debates.until_stored(conversation, "status", status="initializing")
    assert "snapshot" not in {type_ for _, type_, _ in await debates.rows(conversation)}
    gate.open()
    assert [item.metric for item in record(await events(conversation)).items][:1] == ["revenue"]


async def test_what_does_not_come_in_time_is_missing(
    alice: User, openai: OpenAIServer, server: EvidenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Found at the start, with patience; then the debate has less.
    gate, path = Gate(), "/submissions/CIK0001065280.json"
    server.answers[path] = replace(server.answers[path], gate=gate)
    monkeypatch.setattr("evidence.sources.gather.SECONDS", 0.2)
    frozen = record(await started(alice))
    gate.open()
    assert {each.reason for each in frozen.missing if each.metric == "revenue"} == {"timeout"}
    assert frozen.instrument is not None


@pytest.mark.parametrize(
    ("instrument", "said"),
    [
        ("netflx", "There is no instrument 'netflx'. Did you mean NFLX?"),
        ("zzzz", "There is no instrument 'zzzz'. Known: AAPL, MSFT, GOOG, FB, IBM, EURUSD."),
    ],
)
async def test_an_unknown_company_is_refused_before_anything_costs(
    alice: User, openai: OpenAIServer, server: EvidenceServer, instrument: str, said: str
) -> None:
    for use in (use_cases.start, use_cases.estimate):
        with pytest.raises(InvalidInput) as refused:
            await use(alice, asking(instrument))
        (problem,) = refused.value.problems
        assert (problem.field, problem.rule, problem.message) == ("instrument", "unknown_instrument", said)
    assert not await Conversation.objects.aexists()
    assert openai.asked == []


async def test_a_list_of_companies_that_is_away_is_said(
    alice: User, openai: OpenAIServer, server: EvidenceServer
) -> None:
    server.answer("/files/company_tickers_exchange.json", "down", status=503)
    with pytest.raises(InvalidInput) as refused:
        await use_cases.start(alice, asking())
    assert [problem.rule for problem in refused.value.problems] == ["instrument_not_found_now"]
    # The library's own companies need no list.
    told = await started(alice, instrument="Apple")
    assert record(told).items[0].metric == "close"


async def test_an_estimate_counts_what_sources_have_and_keeps_it_for_the_start(
    alice: User, openai: OpenAIServer, server: EvidenceServer
) -> None:
    estimated, _ = await use_cases.estimate(alice, asking())
    asked = [*server.paths]
    assert asked == [
        "/files/company_tickers_exchange.json",
        "/submissions/CIK0001065280.json",
        "/api/xbrl/companyfacts/CIK0001065280.json",
    ]
    assert record(await started(alice)).items[0].metric == "revenue"
    assert server.paths == asked
    plain, _ = await use_cases.estimate(alice, asking(""))
    assert estimated.tokens.low > plain.tokens.low


async def test_a_stored_company_needs_no_source_any_more(
    alice: User, openai: OpenAIServer, server: EvidenceServer, settings: Settings
) -> None:
    conversation = await use_cases.start(alice, asking())
    await events(conversation)
    again = await use_cases.restart(alice, conversation.pk)
    assert again.instrument == "NFLX"
    assert record(await events(again)).items[0].metric == "revenue"
    settings.OUTCRY_EVIDENCE = SourceSettings()
    known = await gathering.known("NFLX", AS_OF)
    assert known.instrument is not None
    assert known.instrument.name == "NFLX"


async def test_own_files_are_used_before_all_others(
    alice: User, openai: OpenAIServer, server: EvidenceServer, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "NFLX.csv").write_text("date,close\n2013-06-28,211.09\n")
    settings.OUTCRY_EVIDENCE = replace(settings.OUTCRY_EVIDENCE, folder=tmp_path)
    close = record(await started(alice)).items[0]
    assert (close.metric, str(close.value), close.source) == ("close", "211.09", "own files")


async def test_an_own_instrument_is_the_same_at_the_start_and_in_the_record(
    settings: Settings, tmp_path: Path
) -> None:
    own = tmp_path / "instruments.csv"
    own.write_text("symbol,name,exchange,currency\nAAPL,Our Apple,XETR,EUR\n")
    settings.OUTCRY_EVIDENCE = SourceSettings(folder=tmp_path)
    found = await gathering.find("aapl")
    assert (found.name, found.currency) == ("Our Apple", "EUR")
    assert (await gathering.known(found.symbol, AS_OF)).instrument == found
    # The library's is there while the own list cannot be read.
    own.write_text("symbol\n")
    assert (await gathering.find("aapl")).name == "Apple"


def test_the_record_of_an_instrument_can_be_looked_at(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fundamentals").mkdir()
    (tmp_path / "fundamentals" / "AAPL.csv").write_text(
        "metric,period,value,unit,known_at\nheadcount,FY2012,72800,count,2012-10-31\n"
    )
    settings.OUTCRY_EVIDENCE = SourceSettings(folder=tmp_path)
    call_command("record", "apple", as_of=datetime(2012, 12, 31, 23, tzinfo=UTC))
    found = load(json.loads(capsys.readouterr().out))
    assert {"AAPL headcount", "AAPL close"} <= {f"{item.subject} {item.metric}" for item in found.items}
    with pytest.raises(CommandError, match="no instrument 'appel'"):
        call_command("record", "appel")
