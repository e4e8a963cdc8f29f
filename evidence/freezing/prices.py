"""Prices of a stock and what is calculated of them, as known at a time."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from evidence import indicators
from evidence.freezing.draft import PUBLIC_DOMAIN, Draft
from evidence.library import series
from evidence.library.series import Session
from evidence.record import MissingReason, Quality, Unit
from evidence.sources.base import Prices

WIKI: Final = "Quandl WIKI Prices"
# Of peers only what a comparison needs.
OF_PEERS: Final = ("close", "return_3m", "return_12m", "volatility_30d", "max_drawdown_12m")
# A price that is older than this is stale.
STALE: Final = timedelta(days=7)
WEEKS_52: Final = timedelta(weeks=52)


def add_prices(draft: Draft, ticker: str, wanted: Sequence[str]) -> None:
    """The prices of a source, or those of the library; never some of one and some of the other."""
    prices = draft.gathered.prices.get(ticker) or of_library(ticker)
    sessions = [] if prices is None else known(prices.sessions, draft.as_of)
    if prices is None or not sessions:
        reason = MissingReason.NOT_CONFIGURED if prices is None else MissingReason.BEFORE_FIRST_VALUE
        reason = draft.reason(ticker, "close", reason)
        for metric in wanted:
            draft.lack(ticker, metric, reason)
        return
    window = _Window(sessions, adjusted(sessions))
    last = sessions[-1]
    is_stale = draft.as_of - last.known_at > STALE
    for metric in wanted:
        unit, measure = INDICATORS[metric]
        measured = measure(window)
        if measured is None:
            draft.lack(ticker, metric, MissingReason.NO_DATA)
            continue
        value, period = measured
        draft.add(
            ticker, metric, period=period, value=exact(value), unit=unit,
            currency=prices.currency if unit is Unit.CURRENCY else None, source=prices.source, licence=prices.licence,
            locator=f"{ticker} {last.day}", known_at=last.known_at,
            quality=Quality.STALE if is_stale else Quality.OK,
        )  # fmt: skip


def of_library(ticker: str) -> Prices | None:
    sessions = series.prices().get(ticker)
    return None if sessions is None else Prices(sessions, "USD", WIKI, PUBLIC_DOMAIN)


def known(sessions: Sequence[Session], as_of: datetime) -> Sequence[Session]:
    return sessions[: bisect_right(sessions, as_of, key=lambda session: session.known_at)]


def adjusted(sessions: Sequence[Session]) -> list[float]:
    """Closes that are comparable with the last one."""
    factor = Decimal(1)
    values: list[float] = []
    for session in reversed(sessions):
        values.append(float(session.close / factor))
        factor *= session.split
    return values[::-1]


def exact(value: float | Decimal) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(repr(round(value, 6)))


@dataclass(frozen=True)
class _Window:
    sessions: Sequence[Session]
    closes: Sequence[float]

    @property
    def day(self) -> str:
        return self.sessions[-1].day.isoformat()

    def begin_of(self, span: timedelta) -> int | None:
        """The place of the first session within the last `span`; None if the sessions do not go back so far."""
        begin = self.sessions[-1].day - span
        if self.sessions[0].day > begin:
            return None
        return bisect_right(self.sessions, begin, key=lambda session: session.day)


Measured = tuple[float | Decimal, str] | None


def _at_day(measure: Callable[[_Window], float | Decimal | None]) -> Callable[[_Window], Measured]:
    def measured(window: _Window) -> Measured:
        value = measure(window)
        return None if value is None else (value, window.day)

    return measured


def _extreme(choose: Callable[[Sequence[float]], float]) -> Callable[[_Window], Measured]:
    def measured(window: _Window) -> Measured:
        begin = window.begin_of(WEEKS_52)
        if begin is None:
            return None
        place = begin + window.closes[begin:].index(choose(window.closes[begin:]))
        return window.closes[place], window.sessions[place].day.isoformat()

    return measured


def _since(months: int) -> Callable[[_Window], Measured]:
    def measured(window: _Window) -> Measured:
        last = window.sessions[-1].day
        begin = months_before(last, months)
        place = bisect_right(window.sessions, begin, key=lambda session: session.day) - 1
        if place < 0:
            return None
        value = indicators.change(window.closes[place], window.closes[-1])
        return value, f"{window.sessions[place].day}..{last}"

    return measured


def months_before(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 - months
    for last in range(day.day, 0, -1):
        try:
            return date(month // 12, month % 12 + 1, last)
        except ValueError:
            continue
    raise AssertionError(day)


def _drawdown(window: _Window) -> Measured:
    begin = window.begin_of(WEEKS_52)
    if begin is None:
        return None
    return indicators.max_drawdown(window.closes[begin:]), f"{window.sessions[begin].day}..{window.day}"


INDICATORS: Final[dict[str, tuple[Unit, Callable[[_Window], Measured]]]] = {
    "close": (Unit.CURRENCY, _at_day(lambda window: window.sessions[-1].close)),
    "volume": (Unit.COUNT, _at_day(lambda window: Decimal(window.sessions[-1].volume))),
    "high_52w": (Unit.CURRENCY, _extreme(max)),
    "low_52w": (Unit.CURRENCY, _extreme(min)),
    "return_1m": (Unit.PERCENT, _since(1)),
    "return_3m": (Unit.PERCENT, _since(3)),
    "return_12m": (Unit.PERCENT, _since(12)),
    "sma_50": (Unit.CURRENCY, _at_day(lambda window: indicators.sma(window.closes, 50))),
    "sma_200": (Unit.CURRENCY, _at_day(lambda window: indicators.sma(window.closes, 200))),
    "rsi_14": (Unit.INDEX, _at_day(lambda window: indicators.rsi(window.closes))),
    "volatility_30d": (Unit.PERCENT, _at_day(lambda window: indicators.volatility(window.closes))),
    "max_drawdown_12m": (Unit.PERCENT, _drawdown),
    "avg_volume_30d": (
        Unit.COUNT,
        _at_day(lambda window: indicators.average([session.volume for session in window.sessions], 30)),
    ),
}
