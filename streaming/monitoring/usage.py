"""What models have done and cost: by model in this process, and by day in the whole installation."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.samples import Sample
from pydantic import BaseModel

from conversations.budgets import ledger
from conversations.domain.enums import Status
from conversations.infrastructure import metrics
from conversations.models import Conversation, LedgerEntry

DAYS: Final = 14


class ModelUsage(BaseModel):
    """A model's turns in this process since its start. `failures` counts failed attempts by code. `usd` is the cost of
    the turns whose price is known, `unpriced` the number of the others. The time until the first token, in
    milliseconds, is at most 19 % too high; null before there was one."""

    provider: str
    model: str
    spoken: int
    failures: dict[str, int]
    input_tokens: int
    output_tokens: int
    usd: float
    unpriced: int
    first_token_p50_ms: float | None
    first_token_p95_ms: float | None


class Day(BaseModel):
    """The debates that began on a day (UTC), in the whole installation, and how many of them have failed. `usd` and
    `tokens` are what all debates spent on it, with what is reserved for calls under way; `unpriced` counts calls of
    unknown price, which `usd` leaves out."""

    day: date
    debates: int
    failed: int
    usd: float
    unpriced: int
    tokens: int


def by_model() -> list[ModelUsage]:
    """The models that this process has called, in alphabetical order."""
    outcomes = _by_model(metrics.TURNS)
    tokens, cost = _by_model(metrics.TURN_TOKENS), _by_model(metrics.COST_USD)
    unpriced, first = _by_model(metrics.UNPRICED), _by_model(metrics.FIRST_TOKEN)
    return [
        ModelUsage(
            provider=key[0],
            model=key[1],
            spoken=_sum(outcomes[key], outcome="spoken"),
            failures={
                each.labels["outcome"]: int(each.value)
                for each in outcomes[key]
                if each.labels["outcome"] != "spoken"
            },
            input_tokens=_sum(tokens[key], direction="input"),
            output_tokens=_sum(tokens[key], direction="output"),
            usd=sum(each.value for each in cost[key]),
            unpriced=_sum(unpriced[key]),
            first_token_p50_ms=_percentile_ms(first[key], 0.50),
            first_token_p95_ms=_percentile_ms(first[key], 0.95),
        )
        for key in sorted({*outcomes, *first})
    ]


def by_day() -> list[Day]:
    """The last days, today first, without a gap. Uses the database."""
    today = ledger.today()
    days = [today - timedelta(days=back) for back in range(DAYS)]
    begun = datetime.combine(days[-1], time(), UTC)
    counted = (
        Conversation.objects.filter(created_at__gte=begun)
        .order_by()
        .values(day=TruncDate("created_at", tzinfo=UTC))
        .annotate(debates=Count("pk"), failed=Count("pk", filter=Q(status=Status.ERROR)))
    )
    debates = {row["day"]: row for row in counted}
    entries = LedgerEntry.objects.filter(scope=LedgerEntry.Scope.INSTALLATION, key="", day__gte=days[-1])
    spent = {entry.day: entry for entry in entries}
    return [_day(day, debates.get(day, {}), spent.get(day)) for day in days]


def _day(day: date, counted: Mapping[str, Any], spent: LedgerEntry | None) -> Day:
    return Day(
        day=day,
        debates=counted.get("debates", 0),
        failed=counted.get("failed", 0),
        usd=float(spent.usd) if spent else 0,
        unpriced=spent.unpriced if spent else 0,
        tokens=spent.tokens if spent else 0,
    )


def _by_model(metric: MetricWrapperBase) -> Mapping[tuple[str, str], list[Sample]]:
    found: defaultdict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in _samples(metric):
        found[sample.labels["provider"], sample.labels["model"]].append(sample)
    return found


def _samples(metric: MetricWrapperBase) -> Iterator[Sample]:
    for family in metric.collect():
        yield from family.samples


def _sum(samples: list[Sample], **labels: str) -> int:
    return int(sum(each.value for each in samples if labels.items() <= each.labels.items()))


def _percentile_ms(samples: list[Sample], part: float) -> float | None:
    """The bound of the bucket that has the percentile (`part` is 0 to 1), at most the last bound."""
    within = sorted((float(each.labels["le"]), each.value) for each in samples if "le" in each.labels)
    if not within or not (count := within[-1][1]):
        return None
    bound = next(bound for bound, many in within if many >= part * count)
    return round(1000 * min(bound, within[-2][0]), 1)
