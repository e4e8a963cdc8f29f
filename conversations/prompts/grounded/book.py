"""A record's items by subject and metric, and the facts that they make."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from conversations.prompts.grounded import amounts
from conversations.prompts.grounded.amounts import cited, percent, span
from conversations.prompts.grounded.business import BUSINESS, ECONOMY
from conversations.prompts.grounded.prices import PRICES
from conversations.prompts.grounded.signals import PEERS, SIGNALS
from conversations.prompts.grounded.wording import Fact, Wording
from evidence.instruments import INSTRUMENTS
from evidence.record import Item, Quality, Snapshot

# Per cent. An end of a range counts as reached within AT, and as near within NEAR; a smaller change than SMALL, and a
# smaller difference between peers than CLEAR, has wording of its own.
_AT: Final = Decimal("0.5")
_NEAR: Final = 5
_SMALL: Final = 3
_CLEAR: Final = 5
_SPANS: Final = {"return_1m": "one month", "return_3m": "three months", "return_12m": "twelve months"}
# Names and metrics may come from a person's table. What else is in them would end a literal, or read as a figure.
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z &'/-]{0,40}")
# What metrics are called whose keys are no words.
_SAID: Final = {"capex": "capital spending", "rnd": "R&D spending", "eps": "earnings per share"}
_CURRENCIES: Final = {"EUR": "euro", "USD": "dollar", "GBP": "pound", "JPY": "yen", "CHF": "franc"}


class Book:
    """A snapshot by subject and metric, newest first."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._items: dict[tuple[str, str], list[Item]] = {}
        for item in snapshot.items:
            if item.quality is not Quality.USER:
                self._items.setdefault((item.subject, item.metric), []).append(item)
        self._main = snapshot.instrument.symbol if snapshot.instrument else ""
        self._used: set[str] = set()

    def facts(self) -> Iterator[Fact]:
        for facts in (self._prices, self._peers, self._business, self._economy, self._others):
            yield from facts()

    def _newest(self, subject: str, metric: str) -> Item | None:
        return next(iter(self._items.get((subject, metric), ())), None)

    def _price(self, metric: str) -> Item | None:
        """The newest one of the instrument, if it can be divided by."""
        item = self._newest(self._main, metric)
        return item if item is not None and item.value > 0 else None

    def _own(self, wording: Wording, value: str, *items: Item, **words: str) -> Fact:
        self._used.update(item.id for item in items)
        who = name_of(items[0].subject, self._snapshot)
        return wording.fact(who=who, whose=f"{who}'s", value=cited(value, *items), **words)

    def _prices(self) -> Iterator[Fact]:
        close = self._newest(self._main, "close")
        if close is None:
            return
        yield self._own(PRICES["price"], amounts.of(close), close)
        for metric, time in _SPANS.items():
            if (item := self._newest(self._main, metric)) is not None and item.value:
                kind = _moved_as(item.value)
                yield self._own(PRICES[kind], percent(abs(item.value)), item, span=time)
        yield from self._distances(close)
        if (item := self._newest(self._main, "rsi_14")) is not None:
            yield self._own(SIGNALS[_rsi(item.value)], amounts.of(item), item)
        if (item := self._newest(self._main, "volatility_30d")) is not None:
            yield self._own(SIGNALS[_volatility(item.value)], amounts.of(item), item)
        if (item := self._newest(self._main, "max_drawdown_12m")) is not None and item.value:
            yield self._own(SIGNALS["drawdown"], percent(abs(item.value)), item)
        volume, usual = self._newest(self._main, "volume"), self._price("avg_volume_30d")
        if volume and usual:
            gap = _change(usual, volume)
            yield self._own(SIGNALS["busy" if gap > 0 else "quiet"], percent(abs(gap)), volume, usual)

    def _distances(self, close: Item) -> Iterator[Fact]:
        high, low = self._price("high_52w"), self._price("low_52w")
        if high is not None:
            gap = -_change(high, close)
            if gap > _AT:
                kind = "near_high" if gap <= _NEAR else "below_high"
                yield self._own(PRICES[kind], percent(gap), close, high)
            else:
                yield self._own(PRICES["at_high"], amounts.of(high), high)
        if low is not None:
            gap = _change(low, close)
            if gap > _AT:
                kind = "near_low" if gap <= _NEAR else "above_low"
                yield self._own(PRICES[kind], percent(gap), close, low)
            else:
                yield self._own(PRICES["at_low"], amounts.of(low), low)
        for days in ("50", "200"):
            if (average := self._price(f"sma_{days}")) is not None:
                gap = _change(average, close)
                side = "above" if gap > 0 else "below"
                kind = f"{side}_a_little" if abs(gap) < _SMALL else f"{side}_average"
                yield self._own(PRICES[kind], percent(abs(gap)), close, average, span=f"{days}-day")

    def _peers(self) -> Iterator[Fact]:
        """The instrument beside the peer that is ahead of it most, and the one that is behind it most."""
        for metric in ("return_12m", "return_3m", "volatility_30d"):
            own = self._newest(self._main, metric)
            others = [
                items[0]
                for (subject, name), items in self._items.items()
                if name == metric and subject != self._main
            ]
            if own is not None and others:
                by_value = sorted(others, key=lambda item: item.value)
                for other in {each.id: each for each in (by_value[0], by_value[-1])}.values():
                    if own.metric in _SPANS or abs(own.value - other.value) >= _CLEAR:
                        yield self._peer(own, other)

    def _peer(self, own: Item, other: Item) -> Fact:
        peer, lead = name_of(other.subject, self._snapshot), own.value - other.value
        if own.metric in _SPANS:
            kind = "ahead" if lead > 0 else "alone" if own.value < 0 < other.value else "behind"
            kind = "alike" if abs(lead) < _CLEAR else kind
            value, theirs = _moved(own), _moved(other)
        else:
            kind = "wilder" if lead > 0 else "calmer"
            value, theirs = (cited(percent(each.value), each) for each in (own, other))
        who = name_of(own.subject, self._snapshot)
        words = {
            "who": who,
            "whose": f"{who}'s",
            "peer": peer,
            "peers": f"{peer}'s",
            "span": _SPANS.get(own.metric, ""),
        }
        return PEERS[kind].fact(value=value, other=theirs, **words)

    def _business(self) -> Iterator[Fact]:
        close, eps = self._newest(self._main, "close"), self._newest(self._main, "eps")
        revenue = self._price("revenue")
        profits = self._items.get((self._main, "net_income"), [])
        if close and eps and eps.value > 0:
            times = close.value / eps.value
            kind = "cheap" if times < 15 else "fair" if times <= 25 else "dear"
            yield self._own(BUSINESS[kind], f"{times:.1f} times", close, eps)
        if eps:
            yield self._own(BUSINESS["earnings"], amounts.of(eps), eps, span=span(eps.period))
        if revenue:
            yield self._own(BUSINESS["revenue"], amounts.of(revenue), revenue, span=span(revenue.period))
        if not profits:
            return
        newest = profits[0]
        kind = "profit" if newest.value > 0 else "loss"
        yield self._own(BUSINESS[kind], amounts.of(newest), newest, span=span(newest.period))
        if revenue and revenue.period == newest.period and 0 < newest.value < revenue.value:
            margin = newest.value / revenue.value * 100
            kind = "wide_margin" if margin >= 10 else "thin_margin"
            yield self._own(BUSINESS[kind], percent(margin), newest, revenue, span=span(newest.period))
        if len(profits) > 1 and min(newest.value, profits[1].value) > 0 and newest.value != profits[1].value:
            growth, before = _change(profits[1], newest), profits[1]
            kind = "growing" if growth > 0 else "shrinking"
            words = {"before": span(before.period), "span": span(newest.period)}
            yield self._own(BUSINESS[kind], percent(abs(growth)), newest, before, **words)

    def _economy(self) -> Iterator[Fact]:
        for (subject, metric), items in list(self._items.items()):
            if metric == "fx":
                rates = self._rate(subject, items)
                yield from rates if subject == self._main else map(_aside, rates)
            elif subject == "US" and (kind := _economy(metric, items[0].value)) is not None:
                yield self._own(ECONOMY[kind], percent(items[0].value), items[0], span=span(items[0].period))

    def _rate(self, pair: str, items: Sequence[Item]) -> Iterator[Fact]:
        yield self._own(ECONOMY["rate"], amounts.of(items[0]), items[0])
        if len(items) > 1 and items[1].value > 0 and (change := _change(items[1], items[0])):
            kind = "stronger" if change > 0 else "weaker"
            other = _CURRENCIES.get(pair[3:], pair[3:])
            yield self._own(ECONOMY[kind], percent(abs(change)), items[0], items[1], other=other)

    def _others(self) -> Iterator[Fact]:
        """Items that have no wording of their own, of the instrument and of a person's sources."""
        for item in self._snapshot.items:
            metric = _SAID.get(item.metric, item.metric.replace("_", " "))
            is_given = item.quality is Quality.USER
            is_wanted = is_given or (
                item.subject == self._main and self._newest(item.subject, item.metric) is item
            )
            # A source's own name is not said.
            is_of_source = is_given and item.subject == item.source
            is_plain = _PLAIN.fullmatch(metric) and (is_of_source or _PLAIN.fullmatch(item.subject))
            if is_wanted and is_plain and item.id not in self._used:
                wording = BUSINESS["given" if is_of_source else "other"]
                time = amounts.when(item.period)
                was = "were" if metric.endswith("s") else "was"
                yield self._own(wording, amounts.of(item), item, metric=metric, when=time, was=was)


def name_of(subject: str, snapshot: Snapshot) -> str:
    """What the local model calls a subject: the euro, Apple, US."""
    if len(subject) == 6 and subject[:3] in _CURRENCIES:
        return f"the {_CURRENCIES[subject[:3]]}"
    instruments = (*([snapshot.instrument] if snapshot.instrument else []), *INSTRUMENTS)
    names = (each.name for each in instruments if each.symbol == subject and _PLAIN.fullmatch(each.name))
    return next(names, subject)


def _change(old: Item, new: Item) -> Decimal:
    """In per cent."""
    return (new.value / old.value - 1) * 100


def _moved(item: Item) -> str:
    return f"{'gained' if item.value > 0 else 'lost'} {cited(percent(abs(item.value)), item)}"


def _moved_as(value: Decimal) -> str:
    if abs(value) < _SMALL:
        return "up_a_little" if value > 0 else "down_a_little"
    return "rise" if value > 0 else "fall"


def _aside(fact: Fact) -> Fact:
    """A fact about a currency in a debate about something else: it speaks neither for nor against it."""
    means = {"market_context": fact.means["market_context"]}
    return replace(fact, family="currency", tone=0, means=means)


def _rsi(value: Decimal) -> str:
    return "rsi_weak" if value < 30 else "rsi_strong" if value > 70 else "rsi_even"


def _volatility(value: Decimal) -> str:
    return "wild" if value >= 30 else "calm" if value < 18 else "ordinary"


def _economy(metric: str, value: Decimal) -> str | None:
    if metric == "unemployment":
        return "jobless_high" if value >= 7 else "jobless_low" if value <= 5 else None
    return {"inflation": "inflation", "core_inflation": "core", "treasury_bill_rate": "bills"}.get(metric)
