"""Rates and statistics of the ECB and of FRED, as they were known at a time."""

import pytest

from evidence.freezing.freeze import freeze
from evidence.record import Item, MissingReason, Quality
from evidence.sources.base import Gathered, Question
from evidence.sources.gather import gather
from tests.evidence.sources.stand_in import KEY, NETFLIX, about, ecb, fred, web
from tests.fakes.evidence_server import EvidenceServer

# Nothing here depends on what differs between versions of Python or Django.

EURUSD, DEPOSIT, INFLATION = "EXR/D.USD.EUR.SP00.A", "FM/D.U2.EUR.4F.KR.DFR.LEV", "ICP/M.U2.N.000000.4.ANR"


async def asked_ecb(server: EvidenceServer, question: Question) -> Gathered:
    async with web("ecb") as asks:
        return await gather([ecb(asks, server)], question, seconds=20)


async def asked_fred(server: EvidenceServer, question: Question) -> Gathered:
    async with web("fred") as asks:
        return await gather([fred(asks, server)], question, seconds=20)


def items(question: Question, gathered: Gathered, metric: str, subject: str) -> list[Item]:
    snapshot = freeze(question.instrument, question.as_of, (), gathered)
    return [item for item in snapshot.items if (item.subject, item.metric) == (subject, metric)]


async def test_rates_are_those_of_the_day_and_of_a_year_before(server: EvidenceServer) -> None:
    server.series(
        EURUSD,
        ("2026-11-30", "1.1602"),
        ("2026-12-01", "1.1590"),
        ("2025-11-28", "1.05"),
        ("2025-12-03", "9"),
    )
    server.series(DEPOSIT, ("2026-12-01", "2.00"), ("2026-11-30", ""))
    server.series(INFLATION, ("2025-10", "1.9"), ("2026-10", "2.1"), ("2026-11", "2.3"))
    question = about("EURUSD", 2026, 12, 1)
    gathered = await asked_ecb(server, question)
    assert [(item.period, str(item.value)) for item in items(question, gathered, "fx", "EURUSD")] == [
        ("2026-12-01", "1.1590"),
        ("2025-11-28", "1.05"),
    ]
    (rate,) = items(question, gathered, "policy_rate", "EA")
    assert (str(rate.value), rate.unit, rate.licence) == (
        "2.00",
        "percent",
        "free reuse, source named, unmodified",
    )
    # November's inflation is not final yet.
    assert [item.period for item in items(question, gathered, "inflation", "EA")] == ["2026-10", "2025-10"]
    assert {request.query["startPeriod"] for request in server.asked} == {"2025-08-28"}


async def test_a_rate_is_known_when_it_is_fixed_not_before(server: EvidenceServer) -> None:
    server.series(EURUSD, ("2026-11-30", "1.1602"), ("2026-12-01", "1.1590"))
    question = about("EURUSD", 2026, 12, 1)
    morning = Question(question.instrument, question.as_of.replace(hour=9))
    gathered = await asked_ecb(server, morning)
    assert [item.period for item in items(morning, gathered, "fx", "EURUSD")] == ["2026-11-30"]


async def test_an_old_rate_of_the_library_is_stale_and_the_source_is_missing(server: EvidenceServer) -> None:
    server.answer(f"/service/data/{EURUSD}", "down", status=503)
    question = about("EURUSD", 2026, 12, 1)
    gathered = await asked_ecb(server, question)
    newest, *_ = items(question, gathered, "fx", "EURUSD")
    assert (newest.period, newest.quality) == ("2026-10-30", Quality.STALE)
    missing = freeze(question.instrument, question.as_of, (), gathered).missing
    assert ("EURUSD", "fx", MissingReason.UNAVAILABLE) in {
        (each.subject, each.metric, each.reason) for each in missing
    }


async def test_a_fresh_rate_of_the_library_is_not_missing(server: EvidenceServer) -> None:
    question = about("EURUSD", 2026, 10, 30)
    gathered = await asked_ecb(server, question)
    assert {each.reason for each in gathered.missing} == {MissingReason.NO_DATA}
    missing = freeze(question.instrument, question.as_of, (), gathered).missing
    assert ("EURUSD", "fx") not in {(each.subject, each.metric) for each in missing}


@pytest.mark.parametrize("body", ["", "a,b\r\n1,2", "TIME_PERIOD,OBS_VALUE\r\nyesterday,1"])
async def test_an_answer_without_values_is_missing(server: EvidenceServer, body: str) -> None:
    server.answer(f"/service/data/{EURUSD}", body)
    gathered = await asked_ecb(server, about("EURUSD", 2026, 12, 1))
    assert "fx" in {each.metric for each in gathered.missing}


async def test_a_statistic_has_the_version_that_was_known(server: EvidenceServer) -> None:
    versions = [
        ("2012-07-01", "13616.2", "2012-10-26"),
        ("2012-07-01", "13652.5", "2012-11-29"),
        ("2012-07-01", "13665.4", "2012-12-20"),
        ("2012-10-01", "13647.6", "2013-01-30"),
    ]
    server.statistic("GDPC1", *versions)
    found = []
    for day in ((2012, 10, 26), (2012, 12, 19), (2012, 12, 20), (2013, 1, 30)):
        question = about(NETFLIX, *day)
        (item,) = items(question, await asked_fred(server, question), "real_gdp", "US")
        found.append((item.period, str(item.value), item.quality))
    assert found == [
        ("Q3 2012", "13616200000000.0", Quality.OK),
        ("Q3 2012", "13652500000000.0", Quality.RESTATED),
        ("Q3 2012", "13665400000000.0", Quality.RESTATED),
        ("Q4 2012", "13647600000000.0", Quality.OK),
    ]


async def test_inflation_is_the_change_over_twelve_months(server: EvidenceServer) -> None:
    server.statistic(
        "CPIAUCNS",
        ("2011-11-01", "226.230", "2011-12-16"),
        ("2012-11-01", "230.221", "2012-12-14"),
        ("2012-12-01", ".", "2012-12-14"),
    )
    question = about(NETFLIX, 2012, 12, 31)
    gathered = await asked_fred(server, question)
    (item,) = items(question, gathered, "inflation", "US")
    assert (item.period, f"{item.value:.2f}", item.licence) == (
        "2012-11",
        "1.76",
        "public domain: citation requested",
    )
    asked = next(request for request in server.asked if request.path.endswith("observations"))
    assert asked.query["realtime_end"] == "2012-12-31"
    assert asked.query["api_key"] == KEY


@pytest.mark.parametrize("rights", ["copyrighted: pre-approval required", "<b>free</b>", ""])
async def test_a_series_that_may_not_be_shown_is_missing(server: EvidenceServer, rights: str) -> None:
    server.statistic("UNRATE", ("2012-11-01", "7.7", "2012-12-07"), rights=rights)
    question = about(NETFLIX, 2012, 12, 31)
    gathered = await asked_fred(server, question)
    assert MissingReason.LICENCE in {
        each.reason for each in gathered.missing if each.metric == "unemployment"
    }
    assert not any("observations" in path and "UNRATE" in path for path in server.paths)


async def test_one_series_that_fails_leaves_the_others(server: EvidenceServer) -> None:
    server.statistic("UNRATE", ("2012-11-01", "7.7", "2012-12-07"))
    server.statistic("TB3MS", ("2012-11-01", "0.09", "2012-12-03"))
    server.answer("/fred/series/observations?TB3MS", {"observations": [{"date": "x"}]})
    gathered = await asked_fred(server, about(NETFLIX, 2012, 12, 31))
    assert [fact.metric for fact in gathered.facts] == ["unemployment"]
    reasons = {each.metric: each.reason for each in gathered.missing}
    assert reasons["treasury_bill_rate"] is MissingReason.UNAVAILABLE
    assert reasons["cpi"] is MissingReason.NO_DATA
