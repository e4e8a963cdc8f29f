"""All watchers' conversations in figures."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from benchmarks.delivery.judge import Fold, Frames
from benchmarks.delivery.load import Load
from benchmarks.delivery.watcher import Watcher

F = TypeVar("F", bound=Fold)


def result(load: Load, watchers: Iterable[Watcher], stormed: int | None, returns: int) -> dict[str, Any]:
    """JSON-ready. Times in ms; `back_ms` from the storm until the last watcher had caught up, null where one did not.
    Those who never read count for nothing."""
    reading = [watcher for watcher in watchers if not watcher.stalled]
    folds = folded(reading, Fold)
    return {
        **figures(load.tokens, folds),
        "returns": returns,
        "back_ms": None if stormed is None else _back(folds, stormed),
        "codes": Counter(str(watcher.code) for watcher in reading),
    }


def folded(watchers: Iterable[Watcher], make: Callable[[], F]) -> list[F]:
    """What each watcher has received over all of its connections."""
    frames = Frames()
    folds = []
    for watcher in watchers:
        fold = make()
        for connection in watcher.connections:
            fold.follow(connection, frames)
        folds.append(fold)
    return folds


def figures(tokens: int, folds: Sequence[Fold]) -> dict[str, Any]:
    """JSON-ready: how whole, and how late in ms, where `tokens` were said to each."""
    latencies = sorted(latency for fold in folds for latency in fold.latencies)
    delivered = sum(len(fold.seen) for fold in folds)
    return {
        "delivered": delivered,
        "lost": sum(tokens - len(fold.seen) for fold in folds),
        "doubled": sum(fold.doubled for fold in folds),
        "altered": sum(len(fold.altered) for fold in folds),
        "breaches": sum(fold.breaches for fold in folds),
        "p50": _percentile(latencies, 0.50),
        "p95": _percentile(latencies, 0.95),
        "p99": _percentile(latencies, 0.99),
        "worst": _percentile(latencies, 1.0),
        "tokens_a_frame": delivered / max(1, sum(fold.frames for fold in folds)),
    }


def _percentile(latencies: Sequence[int], share: float) -> float | None:
    if not latencies:
        return None
    return latencies[min(len(latencies) - 1, int(len(latencies) * share))] / 1e6


def _back(folds: Iterable[Fold], stormed: int) -> float | None:
    moments = [fold.caught_up for fold in folds]
    if any(moment is None for moment in moments):
        return None
    return (max(moment for moment in moments if moment is not None) - stormed) / 1e6
