"""Reports of SEC EDGAR: the values of the report itself, as they were known, whatever is filed later."""

from datetime import UTC, datetime
from typing import Any

import pytest

from evidence.freezing.freeze import freeze
from evidence.record import Instrument, MissingReason, Quality
from evidence.sources.base import Fact, Gathered
from evidence.sources.gather import gather
from tests.evidence.sources.stand_in import NETFLIX, about, edgar, web
from tests.fakes.evidence_server import EvidenceServer, columns, filing, stated

# Nothing here depends on what differs between versions of Python or Django.

APPLE, NETFLIX_CIK = 320193, 1065280
FY2012: dict[str, Any] = {"start": "2011-09-25", "year": 2012, "filed": "2012-10-31"}
FIRST = "0001193125-12-444068"
SECOND = "0001193125-13-416534"
USD = "USD"


def year(accession: str, last: int, value: Any, *, report: int | None = None) -> dict[str, Any]:
    """A value of a calendar year, as the report of that year, or of a later one, states it."""
    of = report or last
    return stated(accession, f"{last}-12-31", value, start=f"{last}-01-01", year=of, filed=f"{of + 1}-02-01")


def annual(accession: str, last: int, form: str = "10-K", accepted: str = "") -> dict[str, str]:
    return filing(accession, f"{last}-12-31", accepted or f"{last + 1}-02-01T16:05:00", form)


async def asked(server: EvidenceServer, instrument: Instrument | str = NETFLIX, *day: int) -> Gathered:
    async with web() as asks:
        return await gather([edgar(asks, server)], about(instrument, *(day or (2014, 12, 31))), seconds=20)


def netflix(server: EvidenceServer, *filings: dict[str, str], facts: Any) -> None:
    server.companies((NETFLIX_CIK, "NETFLIX INC", "NFLX", "Nasdaq"), (1, "Netfin Corp", "NFIN", "Nasdaq"))
    server.reports(NETFLIX_CIK, *filings, facts=facts, tickers=["NFLX"])


def values(gathered: Gathered) -> dict[tuple[str, str], str]:
    return {(fact.metric, fact.period): str(fact.value) for fact in gathered.facts}


def only(gathered: Gathered, metric: str) -> Fact:
    (fact,) = [each for each in gathered.facts if each.metric == metric]
    return fact


async def test_a_report_gives_its_figures_with_period_and_locator(server: EvidenceServer) -> None:
    end = "2012-09-29"
    server.reports(
        APPLE,
        filing(FIRST, end, "2012-10-31T16:36:58"),
        facts={
            "us-gaap:SalesRevenueNet": {
                USD: [
                    stated(FIRST, end, 156508000000, **FY2012),
                    stated(FIRST, "2011-09-24", 108249000000, **{**FY2012, "start": "2010-09-26"}),
                ]
            },
            "us-gaap:EarningsPerShareDiluted": {"USD/shares": [stated(FIRST, end, 44.15, **FY2012)]},
            "us-gaap:Assets": {USD: [stated(FIRST, end, 176064000000, year=2012, filed="2012-10-31")]},
        },
        tickers=["AAPL"],
    )
    gathered = await asked(server, "AAPL", 2012, 12, 31)
    assert values(gathered) == {
        ("revenue", "FY2012"): "156508000000",
        ("revenue", "FY2011"): "108249000000",
        ("eps", "FY2012"): "44.15",
        ("total_assets", end): "176064000000",
    }
    eps = only(gathered, "eps")
    assert (eps.currency, eps.source, eps.quality) == (USD, "SEC EDGAR", Quality.OK)
    assert eps.locator == f"10-K {FIRST} us-gaap:EarningsPerShareDiluted"
    # Its clock may be New York's: four hours later than if it were UTC.
    assert eps.known_at == datetime(2012, 10, 31, 20, 36, 58, tzinfo=UTC)
    # A library company has a fixed number: its ticker is not looked up.
    assert [path for path in server.paths if "tickers" in path] == []
    assert server.asked[0].headers["User-Agent"] == "Outcry data@example.com"


async def test_a_report_is_unknown_until_it_is_accepted(server: EvidenceServer) -> None:
    facts = {"us-gaap:Revenues": {USD: [year(FIRST, 2012, 100), year(SECOND, 2013, 200)]}}
    netflix(server, annual(SECOND, 2013), annual(FIRST, 2012), facts=facts)
    before = await asked(server, NETFLIX, 2014, 1, 31)
    assert values(before) == {("revenue", "FY2012"): "100"}
    assert values(await asked(server, NETFLIX, 2014, 2, 1)) == {("revenue", "FY2013"): "200"}
    assert freeze(NETFLIX, about(NETFLIX, 2014, 1, 31).as_of, (), before).items[0].known_at is not None


async def test_a_later_restatement_does_not_change_what_was_known(server: EvidenceServer) -> None:
    # A split after the first report: the second one has twenty times the shares for the same year.
    shares = [year(FIRST, 2012, 510), year(SECOND, 2012, 10198, report=2013), year(SECOND, 2013, 10300)]
    facts = {"us-gaap:WeightedAverageNumberOfDilutedSharesOutstanding": {"shares": shares}}
    netflix(server, annual(SECOND, 2013), annual(FIRST, 2012), facts=facts)
    first = await asked(server, NETFLIX, 2013, 12, 31)
    assert values(first) == {("shares_outstanding", "FY2012"): "510"}
    second = await asked(server, NETFLIX, 2014, 12, 31)
    assert {fact.period: (str(fact.value), fact.quality) for fact in second.facts} == {
        "FY2013": ("10300", Quality.OK),
        "FY2012": ("10198", Quality.RESTATED),
    }


async def test_an_amendment_filed_later_for_an_older_year_does_not_win(server: EvidenceServer) -> None:
    amended = "0001193125-14-000001"
    facts = {
        "us-gaap:NetIncomeLoss": {
            USD: [year(FIRST, 2012, 10), year(SECOND, 2013, 20), year(amended, 2012, 11)]
        }
    }
    late = annual(amended, 2012, "10-K/A", "2014-06-01T12:00:00")
    netflix(server, late, annual(SECOND, 2013), annual(FIRST, 2012), facts=facts)
    assert values(await asked(server)) == {("net_income", "FY2013"): "20"}


async def test_an_amended_report_has_the_newest_value_and_says_so(server: EvidenceServer) -> None:
    amended = {**year(SECOND, 2012, 11), "form": "10-K/A", "filed": "2013-06-01"}
    late = annual(SECOND, 2012, "10-K/A", "2013-06-01T12:00:00")
    facts = {"us-gaap:NetIncomeLoss": {USD: [year(FIRST, 2012, 10), amended]}}
    netflix(server, late, annual(FIRST, 2012), facts=facts)
    fact = only(await asked(server, NETFLIX, 2013, 12, 31), "net_income")
    assert (str(fact.value), fact.quality) == ("11", Quality.RESTATED)


@pytest.mark.parametrize(
    ("concepts", "expected"),
    [
        # One concept is used for a part: cost and gross profit add up to the other.
        ({"Revenues": 29.4, "SalesRevenueNet": 83.062, "CostOfGoodsSold": 42.46, "GrossProfit": 40.602}, "83.062"),
        # It is less than what comes out of it.
        ({"Revenues": 2.038, "SalesRevenueNet": 19.857, "CostOfRevenue": 12.08}, "19.857"),
        # A total has other income beside that of contracts.
        ({"RevenueFromContractWithCustomerExcludingAssessedTax": 55.6, "Revenues": 61.3}, "61.3"),
        ({"SalesRevenueGoodsNet": 7}, "7"),
        ({"Revenues": 1, "CostOfRevenue": 5}, None),
    ],
)  # fmt: skip
async def test_revenue_is_what_a_second_concept_allows(
    server: EvidenceServer, concepts: dict[str, float], expected: str | None
) -> None:
    facts = {f"us-gaap:{name}": {USD: [year(FIRST, 2013, value)]} for name, value in concepts.items()}
    netflix(server, annual(FIRST, 2013), facts=facts)
    gathered = await asked(server)
    assert values(gathered).get(("revenue", "FY2013")) == expected
    is_missing = ("revenue", MissingReason.NO_DATA) in {
        (each.metric, each.reason) for each in gathered.missing
    }
    assert is_missing == (expected is None)


async def test_a_foreign_report_keeps_its_own_currency(server: EvidenceServer) -> None:
    # The newest year is also stated in dollars, for convenience.
    own = [
        {**year(FIRST, 2013, 700), "form": "20-F"},
        {**year(FIRST, 2012, 600, report=2013), "form": "20-F"},
    ]
    dollars = [{**year(FIRST, 2013, 100), "form": "20-F"}]
    netflix(server, annual(FIRST, 2013, "20-F"), facts={"ifrs-full:Revenue": {USD: dollars, "CNY": own}})
    gathered = await asked(server)
    assert [(fact.period, str(fact.value), fact.currency) for fact in gathered.facts] == [
        ("FY2013", "700", "CNY"),
        ("FY2012", "600", "CNY"),
    ]


async def test_a_quarter_is_named_and_is_not_the_year_so_far(server: EvidenceServer) -> None:
    def quarter(end: str, start: str, value: int) -> dict[str, Any]:
        return stated(
            SECOND, end, value, start=start, year=2013, part="Q3", form="10-Q", filed="2013-10-21"
        )  # fmt: skip

    revenue = [
        year(FIRST, 2012, 3600),
        quarter("2013-09-30", "2013-01-01", 3100),
        quarter("2013-09-30", "2013-07-01", 1100),
        quarter("2012-09-30", "2012-07-01", 900),
    ]
    netflix(
        server,
        filing(SECOND, "2013-09-30", "2013-10-21T16:05:00", "10-Q"),
        annual(FIRST, 2012),
        facts={"us-gaap:Revenues": {USD: revenue}},
    )
    assert values(await asked(server, NETFLIX, 2013, 12, 31)) == {
        ("revenue", "FY2012"): "3600",
        ("revenue", "Q3 2013"): "1100",
        ("revenue", "Q3 2012"): "900",
    }


async def test_an_old_report_is_stale(server: EvidenceServer) -> None:
    netflix(server, annual(FIRST, 2012), facts={"us-gaap:Revenues": {USD: [year(FIRST, 2012, 100)]}})
    assert only(await asked(server), "revenue").quality is Quality.STALE


async def test_filings_of_many_years_ago_are_read_from_older_files(server: EvidenceServer) -> None:
    netflix(server, annual(SECOND, 2025), facts={"us-gaap:Revenues": {USD: [year(FIRST, 2012, 100)]}})
    cik = f"CIK{NETFLIX_CIK:010}"
    files = [
        {"name": f"{cik}-submissions-001.json", "filingFrom": "2010-01-01", "filingTo": "2015-12-31"},
        {"name": f"{cik}-submissions-002.json", "filingFrom": "1994-01-01", "filingTo": "2009-12-31"},
        {"name": "../../secret.json", "filingFrom": "2010-01-01", "filingTo": "2015-12-31"},
    ]
    recent = columns([annual(SECOND, 2025)])
    whole = {"cik": NETFLIX_CIK, "tickers": ["NFLX"], "filings": {"recent": recent, "files": files}}
    server.answer(f"/submissions/{cik}.json", whole)
    server.answer(f"/submissions/{cik}-submissions-001.json", columns([annual(FIRST, 2012)]))
    assert values(await asked(server, NETFLIX, 2013, 12, 31)) == {("revenue", "FY2012"): "100"}
    assert [path for path in server.paths if "-submissions-" in path] == [
        f"/submissions/{cik}-submissions-001.json"
    ]


async def test_a_report_that_is_in_no_list_is_known_when_its_day_of_filing_is_over(
    server: EvidenceServer,
) -> None:
    income = [year(FIRST, 2011, 80, report=2012), year(FIRST, 2012, 90), year(SECOND, 2013, 95)]
    facts = {"us-gaap:NetIncomeLoss": {USD: income}}
    netflix(server, annual(SECOND, 2013), facts=facts)
    # Filed on 1 February, New York's day of which ends at 05:00 UTC.
    assert values(await asked(server, NETFLIX, 2013, 2, 1)) == {}
    found = await asked(server, NETFLIX, 2013, 2, 2)
    assert values(found) == {("net_income", "FY2012"): "90", ("net_income", "FY2011"): "80"}
    assert found.facts[0].known_at == datetime(2013, 2, 2, 4, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("wrong", [{"tickers": ["TCEHY"]}, {"cik": "5"}])
async def test_another_companys_reports_are_not_taken(server: EvidenceServer, wrong: dict[str, Any]) -> None:
    netflix(server, annual(FIRST, 2013), facts={"us-gaap:Revenues": {USD: [year(FIRST, 2013, 100)]}})
    recent = {"recent": columns([annual(FIRST, 2013)]), "files": []}
    whole = {"cik": str(NETFLIX_CIK), "tickers": ["NFLX"], "filings": recent, **wrong}
    server.answer(f"/submissions/CIK{NETFLIX_CIK:010}.json", whole)
    gathered = await asked(server)
    assert gathered.facts == ()
    assert {each.reason for each in gathered.missing} == {MissingReason.WRONG_INSTRUMENT}


async def test_malformed_entries_are_left_out(server: EvidenceServer) -> None:
    good = year(FIRST, 2013, 100)
    bad = [
        {**good, "val": "7"}, {**good, "val": True}, {**good, "accn": "<b>"}, {**good, "end": "yesterday"},
        {**good, "filed": "2014-02-30"},
        {**good, "fy": None}, {**good, "fp": "H1"}, {**good, "form": "8-K"}, {},
    ]  # fmt: skip
    too_large = year(FIRST, 2013, 10**40)
    facts = {
        "us-gaap:Revenues": {USD: [*bad, good], "<script>": [good]},
        "us-gaap:NetIncomeLoss": {USD: [too_large]},
    }
    netflix(server, annual(FIRST, 2013), facts=facts)
    gathered = await asked(server)
    snapshot = freeze(NETFLIX, about(NETFLIX, 2014, 12, 31).as_of, (), gathered)
    assert [(item.metric, str(item.value)) for item in snapshot.items if item.subject == "NFLX"] == [
        ("revenue", "100")
    ]
    assert ("net_income", MissingReason.NO_DATA) in {(each.metric, each.reason) for each in snapshot.missing}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"cik": 1065280, "facts": {"us-gaap": 3}}', b'{"cik": NaN}', b"[" * 100_000]
)
async def test_an_answer_that_is_no_document_is_unavailable(server: EvidenceServer, body: bytes) -> None:
    netflix(server, annual(FIRST, 2013), facts={})
    server.answer(f"/api/xbrl/companyfacts/CIK{NETFLIX_CIK:010}.json", body)
    gathered = await asked(server)
    assert {each.reason for each in gathered.missing} == {MissingReason.UNAVAILABLE}


async def test_a_company_is_found_by_ticker_or_name(server: EvidenceServer) -> None:
    server.companies(
        (1, "BERKSHIRE HATHAWAY INC", "BRK-B", "NYSE"),
        (2, "SONY GROUP CORP", "SONY", "NYSE"),
        (2, "SONY GROUP CORP", "SNEJF", "OTC"),
        (3, "Acme Corp", "ACM", "NYSE"),
        (4, "ACME INC", "ACMI", "OTC"),
        (5, f"EVIL\u202e\x00 {'x' * 500}", "EVIL", "OTC"),
        (6, "No ticker", "<b>", "OTC"),
    )
    async with web() as asks:
        source = edgar(asks, server)
        berkshire = await source.find("brk.b")
        assert berkshire is not None
        assert (berkshire.symbol, berkshire.name, berkshire.currency) == ("BRK-B", "Berkshire Hathaway", USD)
        sony = await source.find("Sony Group")
        assert sony is not None
        assert sony.symbol == "SONY"
        # Two companies have this name.
        assert await source.find("Acme") is None
        assert await source.near("Berkshir Hathaway") == ["BRK-B"]
        evil = await source.find("EVIL")
        assert evil is not None
        assert evil.names[0].isprintable()
        assert len(evil.names[0]) <= 100
        assert await source.find("<b>") is None
    # Asked once, then read from the cache.
    assert len(server.asked) == 1
