"""A snapshot, prepared for looking things up by subject, metric and period."""

from collections.abc import Sequence
from dataclasses import dataclass

from evidence.checker.claim import Claim
from evidence.checker.periods import Period, recorded
from evidence.checker.vocabulary import MACRO, Metric
from evidence.record import Item, Snapshot


@dataclass(frozen=True)
class Dated:
    item: Item
    metric: Metric
    period: Period


class Index:
    """A snapshot, prepared for looking things up."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.items = {item.id: item for item in snapshot.items}
        self._dated: dict[tuple[str, str], list[Dated]] = {}
        for item in snapshot.items:
            if (period := recorded(item.period)) is not None:
                metric = Metric.parse(item.metric)
                self._dated.setdefault((item.subject, metric.family), []).append(Dated(item, metric, period))
        for series in self._dated.values():
            series.sort(key=lambda dated: dated.period.last)
        self.main = _main(snapshot)

    def series(self, subject: str, metric: Metric) -> list[Dated]:
        """The items of a metric that fits, oldest first."""
        fitting = [
            dated for dated in self._dated.get((subject, metric.family), ()) if dated.metric.fits(metric)
        ]
        return fitting if len({dated.item.metric for dated in fitting}) == 1 else []

    def returns(self, subject: str, window: int | None) -> list[Dated]:
        """The returns over this window; of all windows without one."""
        return [
            dated
            for dated in self._dated.get((subject, "return"), ())
            if dated.metric.fits(Metric("return", window))
        ]

    def subjects_with(self, family: str) -> list[str]:
        return [subject for subject, known in self._dated if known == family]

    def knows(self, family: str) -> bool:
        return any(known == family for _, known in self._dated)


def _main(snapshot: Snapshot) -> str | None:
    """The subject that is meant where nobody is named."""
    if snapshot.instrument is not None:
        return snapshot.instrument.symbol
    counts: dict[str, int] = {}
    for item in snapshot.items:
        if Metric.parse(item.metric).family not in MACRO:
            counts[item.subject] = counts.get(item.subject, 0) + 1
    return max(counts, key=counts.__getitem__, default=snapshot.items[0].subject if snapshot.items else None)


def years_before(count: int, last: Dated, series: Sequence[Dated]) -> Dated | None:
    near = [
        dated for dated in series if -35 <= (last.period.last - dated.period.last).days - 365 * count <= 35
    ]
    return near[-1] if near else None


def covers(said: Period, own: Period) -> bool:
    """Whether an item of one period answers for what is said of another."""
    if own.first == own.last or (own.last - own.first).days < 40:
        return said.holds(own)
    if (own.last - own.first).days > 300 and own.first.month == own.first.day == 1 and own.last.month == 12:
        # A fiscal year, which people give as a year.
        return (said.first.year, said.last.year) == (own.first.year, own.last.year) and (
            said.last - said.first
        ).days > 300
    return said.holds(own) or said == own


def subject_of(claim: Claim, metric: Metric, index: Index) -> str | None:
    """Whose metric it is; None if that is not said clearly enough."""
    having = index.subjects_with(metric.family)
    if metric.family in MACRO and claim.subject not in having:
        return having[0] if len(set(having)) == 1 else None
    return claim.subject or index.main
