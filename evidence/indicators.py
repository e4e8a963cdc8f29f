"""Indicators of a series of daily values, each with its definition. Pure; values are floats, and rounded by who stores
them."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, stdev
from typing import Final

DEFINITIONS: Final = {
    "close": "the last price of the regular session, as paid",
    "volume": "shares traded in the session",
    "high_52w": "the highest close of the last 52 weeks, adjusted for splits",
    "low_52w": "the lowest close of the last 52 weeks, adjusted for splits",
    "return_1m": "change of the close since the last session a month before, adjusted for splits, without dividends",
    "return_3m": "the same over three months",
    "return_12m": "the same over twelve months",
    "sma_50": "simple average of the last 50 closes, adjusted for splits",
    "sma_200": "simple average of the last 200 closes, adjusted for splits",
    "rsi_14": "relative strength index over 14 sessions, with Wilder's smoothing from the first known session on",
    "volatility_30d": "standard deviation of the last 30 daily log returns, times the square root of 252",
    "max_drawdown_12m": "the largest fall from a peak to a later low within the last 52 weeks",
    "avg_volume_30d": "average volume of the last 30 sessions",
    "pe": "close divided by the last reported yearly earnings per share",
    "net_margin": "net income divided by revenue",
    "fx": "reference rate of the European Central Bank",
    "cpi": "consumer price index, all items, US city average, not seasonally adjusted, 1982-84 = 100",
    "core_cpi": "consumer price index without food and energy",
    "inflation": "change of the consumer price index over twelve months",
    "core_inflation": "change of the consumer price index without food and energy over twelve months",
    "unemployment": "unemployed people in per cent of the labour force, seasonally adjusted",
    "real_gdp": "gross domestic product in chained 2005 dollars, yearly rate",
    "treasury_bill_rate": "rate of the three-month treasury bill",
}
YEAR: Final = 252


def change(old: float, new: float) -> float:
    """In per cent."""
    return (new / old - 1) * 100


def sma(values: Sequence[float], length: int) -> float | None:
    """The newest simple moving average; None if there are too few values."""
    # Imported here because it takes 40 ms of CPU, also in processes that freeze nothing.
    from talipp.indicators import SMA

    found = SMA(length, list(values[-length:]))
    return found[-1] if len(values) >= length else None


def rsi(values: Sequence[float], length: int = 14) -> float | None:
    """The newest relative strength index by Wilder; None if there are too few values."""
    if len(values) <= length:
        return None
    from talipp.indicators import RSI

    newest: float | None = RSI(length, list(values))[-1]
    return newest


def volatility(values: Sequence[float], length: int = 30) -> float | None:
    """Yearly volatility in per cent; None if there are too few values."""
    if len(values) <= length:
        return None
    last = values[-length - 1 :]
    returns = [math.log(new / old) for old, new in pairwise(last)]
    return stdev(returns) * math.sqrt(YEAR) * 100


def max_drawdown(values: Sequence[float]) -> float:
    """The largest fall from a peak, in per cent, 0 or below."""
    peak, worst = values[0], 0.0
    for value in values:
        peak = max(peak, value)
        worst = min(worst, change(peak, value))
    return worst


def average(values: Sequence[float], length: int) -> float | None:
    return fmean(values[-length:]) if len(values) >= length else None
