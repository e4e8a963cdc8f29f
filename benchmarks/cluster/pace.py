"""A watcher's conversation, and how fast it came."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.delivery.judge import Fold, Frame
from benchmarks.delivery.result import figures


@dataclass
class Span:
    """A message's tokens that were heard live: the first and the last moment at which they were said and heard
    (monotonic, ns)."""

    said: list[int]
    heard: list[int]
    count: int = 0


@dataclass
class PacedFold(Fold):
    """A fold that also keeps each message's span."""

    spans: dict[str, Span] = field(default_factory=dict)
    _message: str = ""

    def _event(self, now: int, frame: Frame) -> None:
        self._message = str(frame.data.get("message"))
        super()._event(now, frame)

    def _heard(self, now: int, stamps: Sequence[int]) -> None:
        super()._heard(now, stamps)
        if not stamps:
            return
        span = self.spans.setdefault(self._message, Span([stamps[0], 0], [now, 0]))
        span.said[1], span.heard[1] = stamps[-1], now
        span.count += len(stamps)

    def pace(self) -> float | None:
        """Tokens a second of the whole debate, from the first one said to the last one heard: who answers late speaks
        the next turn late, too."""
        spans = self.spans.values()
        if not spans:
            return None
        first, last = min(span.said[0] for span in spans), max(span.heard[1] for span in spans)
        return _rate(sum(span.count for span in spans), first, last)


def paced(tokens: int, folds: Sequence[PacedFold]) -> dict[str, Any]:
    """JSON-ready: how whole, how late and how fast. `heard` is the median of the debates' pace, `said` the model's own
    in its messages; `seconds` from the first token said to the last one heard."""
    spans = [span for fold in folds for span in fold.spans.values()]
    first = min((span.said[0] for span in spans), default=0)
    last = max((span.heard[1] for span in spans), default=0)
    return {
        **figures(tokens, folds),
        "said": _median(_rate(span.count - 1, *span.said) for span in spans),
        "heard": _median(fold.pace() for fold in folds),
        "seconds": (last - first) / 1e9,
    }


def _rate(count: int, first: int, last: int) -> float | None:
    """A second, of so many between two moments; None where there are too few to tell."""
    return count * 1e9 / (last - first) if count and last > first else None


def _median(rates: Iterable[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return median(known) if known else None
