"""Samples of metrics. Counters live as long as the process, so tests compare them with what was there before."""

from collections.abc import Iterable

from prometheus_client import Metric

from conversations.infrastructure.metrics import REGISTRY

# By the sample's name and the values of its labels, in the order of the labels' names.
Samples = dict[tuple[str, ...], float]


def samples(families: Iterable[Metric] | None = None) -> Samples:
    """Those of the families; by default those that this process has counted."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in (REGISTRY.collect() if families is None else families)
        for sample in family.samples
    }


def since(before: Samples, now: Samples) -> Samples:
    """Each sample of now, less what was counted before."""
    return {key: value - before.get(key, 0) for key, value in now.items()}
