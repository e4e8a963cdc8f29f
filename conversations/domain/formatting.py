"""Values as text for people. Pure.

Amounts read the same on the server's pages as on the live page (frontend/src/shared/format.ts).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from conversations.domain.enums import NOT_A_DEBATE, TEST_MODEL, Stance, Status

UNKNOWN: Final = "unknown"
_STATUS: Final = {
    Status.ACTIVE: "live",
    Status.COMPLETED: "complete",
    Status.CANCELLED: "stopped",
    Status.ERROR: "failed",
}
# (label, text) pairs.
Labelled = list[tuple[str, str]]


def percent(fraction: float) -> str:
    """0.625 as "63 %". Half is rounded up; Python's round() takes the even neighbour."""
    return f"{int(fraction * 100 + 0.5)} %"


def money(dollars: Decimal | float | None) -> str:
    """US dollars: "unknown" for None, never 0; amounts below 1 with two significant digits, and at least two places."""
    if dollars is None:
        return UNKNOWN
    if dollars == 0:
        return "$0"
    amount = float(dollars)
    if amount < 0.000001:
        return "under $0.000001"
    if amount >= 1:
        return f"${amount:.2f}"
    digits = f"{float(f'{amount:.2g}'):.6f}"
    return f"${digits[:4]}{digits[4:].rstrip('0')}"


def charge(dollars: Decimal | float | None) -> str:
    """What was paid: "no charge" for 0."""
    return "no charge" if dollars == 0 else money(dollars)


def words(name: str) -> str:
    """`strong_buy` as "strong buy"."""
    return name.replace("_", " ")


def status(value: str, reason: str | None) -> str:
    """A conversation's status in the word of its page (frontend/src/status/status-word.ts)."""
    if value == Status.COMPLETED and reason == "budget":
        return "stopped"
    return _STATUS.get(Status(value)) or words(value)


def stance(complete: Mapping[str, Any]) -> str:
    """The stance in the data of a `complete` event: "strong buy"; of a run of test models, that it has none; of a team
    without a judge, that it has answered."""
    if complete["reason"] == NOT_A_DEBATE:
        return "answered"
    return "test run, no opinion" if complete["reason"] == TEST_MODEL else words(complete["verdict"])


def unanswered(expired: Mapping[str, Any]) -> str:
    """Why a question has no answer, from the data of its `input_expired` event."""
    # Rows of earlier versions have no `actor`.
    actor = expired.get("actor")
    return f"Skipped by {actor}." if actor else "Not answered in time."


def seconds(milliseconds: int | None) -> str:
    """Seconds, with one decimal; "unknown" for None."""
    return UNKNOWN if milliseconds is None else f"{milliseconds / 1_000:.1f} s"


def count(number: int | None) -> str:
    """A whole number with its thousands grouped; "unknown" for None."""
    return UNKNOWN if number is None else f"{number:,}"


def confidence(stated: float | None) -> str:
    """A percentage; "not given" for None."""
    return "not given" if stated is None else f"{stated:.0%}"


def verdict(complete: Mapping[str, Any]) -> Labelled:
    """The data of a `complete` event: stance and confidence, then the texts that are not empty; nothing for a team
    without a judge, whose last message is the result."""
    if complete["reason"] == NOT_A_DEBATE:
        return []
    is_none = complete["verdict"] == Stance.NO_VERDICT
    texts = [
        ("Stance", stance(complete)),
        ("Confidence", "" if is_none else confidence(complete["confidence"])),
        ("Reason", words(complete["reason"] or "")),
        ("Summary", complete["summary"]),
        ("Agreement", complete["consensus"]),
        ("Disagreement", complete["dissent"]),
        ("Key points", "\n".join(f"• {point}" for point in complete["key_points"])),
        ("Risks", "\n".join(f"• {risk}" for risk in complete["risks"])),
        # Rows of earlier versions have none.
        ("What would change this", complete.get("would_change", "")),
        ("Horizon", complete["horizon"]),
    ]
    return [(label, text) for label, text in texts if text]
