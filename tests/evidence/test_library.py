"""The embedded figures: whole, from their time, and indicators that two implementations agree on."""

import statistics
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import indicators
from evidence.cases import CASES, outcome
from evidence.checker.check import check
from evidence.freezing.draft import MAX_ITEMS
from evidence.freezing.freeze import Found, freeze
from evidence.instruments import INSTRUMENTS, UnknownInstrument, resolve
from evidence.library import series
from evidence.record import Instrument, MissingReason, Quality, Snapshot, Unit
from evidence.sources.base import Fact, Gathered

# Nothing here depends on what differs between versions of Python or Django.

NEW_YEARS_EVE = datetime(2012, 12, 31, 23, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1999, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def apple() -> Snapshot:
    return freeze(resolve("AAPL"), NEW_YEARS_EVE)


@settings(max_examples=40)
@given(instrument=st.sampled_from(INSTRUMENTS), as_of=MOMENTS)
def test_no_snapshot_of_the_library_knows_the_future(instrument: object, as_of: datetime) -> None:
    snapshot = freeze(resolve(instrument.symbol), as_of)  # type: ignore[attr-defined]
    assert all(item.known_at is not None and item.known_at <= as_of for item in snapshot.items)
    assert [item.id for item in snapshot.items] == [
        f"E{number}" for number in range(1, len(snapshot.items) + 1)
    ]


@settings(max_examples=100)
@given(
    known=st.lists(
        st.tuples(st.sampled_from(["close", "revenue", "cpi"]), MOMENTS, st.decimals()), max_size=8
    ),
    as_of=MOMENTS,
)
def test_no_snapshot_of_other_sources_knows_the_future(
    known: list[tuple[str, datetime, Decimal]], as_of: datetime
) -> None:
    facts = tuple(
        Fact("NFLX", metric, "FY2012", value, Unit.COUNT, None, "a source", "", "", known_at)
        for metric, known_at, value in known
    )
    instrument = Instrument(symbol="NFLX", name="Netflix")
    snapshot = freeze(instrument, as_of, (), Gathered(facts))
    assert all(item.known_at is not None and item.known_at <= as_of for item in snapshot.items)
    # What is not there, because it was not known or is no number, is said.
    said = {item.metric for item in snapshot.items} | {each.metric for each in snapshot.missing}
    assert {metric for metric, _, _ in known} <= said


def test_the_same_question_has_the_same_snapshot() -> None:
    assert apple().sha256 == apple().sha256


def test_a_days_price_is_known_after_its_session() -> None:
    before = freeze(resolve("AAPL"), NEW_YEARS_EVE.replace(hour=20))
    assert next(item.period for item in before.items if item.metric == "close") == "2012-12-28"
    assert next(item.period for item in apple().items if item.metric == "close") == "2012-12-31"


def test_a_statistic_is_known_when_it_was_published() -> None:
    periods = {item.metric: item.period for item in apple().items if item.subject == "US"}
    assert periods["cpi"] == periods["inflation"] == "2012-11"


def test_what_is_not_there_is_said_to_be_missing() -> None:
    early = freeze(resolve("FB"), datetime(2012, 1, 3, tzinfo=UTC))
    assert {each.reason for each in early.missing if each.subject == "FB" and each.metric == "close"} == {
        MissingReason.BEFORE_FIRST_VALUE
    }
    assert {(each.subject, each.metric) for each in freeze(resolve("IBM"), NEW_YEARS_EVE).missing} >= {
        ("IBM", "eps")
    }


def test_an_old_price_is_stale() -> None:
    late = freeze(resolve("AAPL"), datetime(2014, 1, 1, tzinfo=UTC))
    assert {item.quality for item in late.items if item.metric == "close"} == {Quality.STALE}


def test_a_split_is_no_fall_of_the_price() -> None:
    # Two for one on 28 February 2005.
    snapshot = freeze(resolve("AAPL"), datetime(2005, 3, 31, 23, tzinfo=UTC))
    values = {item.metric: item.value for item in snapshot.items if item.subject == "AAPL"}
    assert values["return_3m"] > 0
    assert values["high_52w"] < 60


def test_the_reported_figures_agree_with_each_other() -> None:
    values = {(item.metric, item.period): item.value for item in apple().items if item.subject == "AAPL"}
    # Diluted shares, as the same filing has them.
    assert abs(values["eps", "FY2012"] * 945_355_000 - values["net_income", "FY2012"]) < 10_000_000


def test_every_session_is_there() -> None:
    counts = {ticker: len(sessions) for ticker, sessions in series.prices().items()}
    assert counts == {"AAPL": 3270, "FB": 196, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}


@pytest.mark.parametrize("ticker", ["AAPL", "IBM"])
def test_the_indicators_agree_with_another_implementation(ticker: str) -> None:
    closes = [float(session.close) for session in series.prices()[ticker]][-400:]
    changes = [new - old for old, new in pairwise(closes)]
    gain = statistics.fmean([max(each, 0) for each in changes[:14]])
    loss = statistics.fmean([max(-each, 0) for each in changes[:14]])
    for each in changes[14:]:
        gain, loss = (gain * 13 + max(each, 0)) / 14, (loss * 13 + max(-each, 0)) / 14
    assert indicators.rsi(closes) == pytest.approx(100 - 100 / (1 + gain / loss), abs=1e-9)
    assert indicators.sma(closes, 50) == pytest.approx(sum(closes[-50:]) / 50)
    worst = min((later / peak - 1) * 100 for at, peak in enumerate(closes) for later in closes[at:])
    assert indicators.max_drawdown(closes) == pytest.approx(worst)


@pytest.mark.parametrize("text", ["aapl", " Apple ", "apple inc"])
def test_an_instrument_is_found_by_ticker_or_name(text: str) -> None:
    assert resolve(text).symbol == "AAPL"


def test_an_unknown_instrument_is_answered_with_what_may_be_meant() -> None:
    with pytest.raises(UnknownInstrument, match=r"no instrument 'Appel'\. Did you mean AAPL\?"):
        resolve("Appel")


def test_at_most_so_many_items_are_frozen_and_the_rest_is_said() -> None:
    found = [
        Found("Tarnwick", "figure", "", Decimal(number), Unit.COUNT, None, "", "notes", "sentence 1")
        for number in range(MAX_ITEMS + 5)
    ]
    snapshot = freeze(None, NEW_YEARS_EVE, found)
    assert len(snapshot.items) == MAX_ITEMS
    assert [each.reason for each in snapshot.missing] == [MissingReason.TOO_MANY] * 5
    assert {item.quality for item in snapshot.items} == {Quality.USER}


def test_a_source_with_too_many_figures_leaves_the_rest_out_and_says_so() -> None:
    facts = tuple(
        Fact("NFLX", f"m{number}", "FY2012", Decimal(1), Unit.COUNT, None, "", "", "", NEW_YEARS_EVE)
        for number in range(MAX_ITEMS + 5)
    )
    snapshot = freeze(Instrument(symbol="NFLX", name="Netflix"), NEW_YEARS_EVE, (), Gathered(facts))
    assert len(snapshot.items) == MAX_ITEMS
    too_many = [each.metric for each in snapshot.missing if each.reason is MissingReason.TOO_MANY]
    assert too_many[:5] == [f"m{number}" for number in range(MAX_ITEMS, MAX_ITEMS + 5)]


def test_every_case_has_figures_and_its_price_matches_the_record() -> None:
    assert len(CASES) >= 8
    for case in CASES:
        snapshot = freeze(resolve(case.symbol), case.as_of)
        stated = case.question.replace(" at $", " stood at $" if case.symbol == "EURUSD" else " closed at $")
        assert [figure.label for figure in check(stated, snapshot)] == ["matched"], case.question
    day, change = outcome(CASES[0]) or (None, 0)
    assert (day, round(change, 2)) == (date(2008, 12, 31), -56.91)
