"""Values as text for people. Pure.

Amounts read the same on the server's pages as on the live page (frontend/src/shared/format.ts).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

UNKNOWN: Final = "unknown"
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


def words(name: str) -> str:
    """`strong_buy` as "strong buy"."""
    return name.replace("_", " ")


def seconds(milliseconds: int | None) -> str:
    """Seconds, with one decimal; "unknown" for None."""
    return UNKNOWN if milliseconds is None else f"{milliseconds / 1_000:.1f} s"


def count(number: int | None) -> str:
    """A whole number with its thousands grouped; "unknown" for None."""
    return UNKNOWN if number is None else f"{number:,}"


def confidence(stated: float | None) -> str:
    """A percentage; "not stated" for None."""
    return "not stated" if stated is None else f"{stated:.0%}"


def verdict(complete: Mapping[str, Any]) -> Labelled:
    """The data of a `complete` event: stance and confidence, then the texts that are not empty."""
    texts = [
        ("Stance", words(complete["verdict"])),
        ("Confidence", confidence(complete["confidence"])),
        ("Reason", words(complete["reason"] or "")),
        ("Horizon", complete["horizon"]),
        ("Summary", complete["summary"]),
        ("Consensus", complete["consensus"]),
        ("Dissent", complete["dissent"]),
        ("Key points", "\n".join(f"• {point}" for point in complete["key_points"])),
        ("Risks", "\n".join(f"• {risk}" for risk in complete["risks"])),
    ]
    return [(label, text) for label, text in texts if text]
