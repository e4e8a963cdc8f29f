"""Amounts as text, the same on the server's pages as on the live page (frontend/src/shared/format.ts)."""

from decimal import Decimal


def percent(fraction: float) -> str:
    """0.625 as "63 %". Half is rounded up; Python's round() takes the even neighbour."""
    return f"{int(fraction * 100 + 0.5)} %"


def money(dollars: Decimal | float | None) -> str:
    """US dollars: "unknown" for None, never 0; amounts below 1 with two significant digits, and at least two places."""
    if dollars is None:
        return "unknown"
    if dollars == 0:
        return "$0"
    amount = float(dollars)
    if amount < 0.000001:
        return "under $0.000001"
    if amount >= 1:
        return f"${amount:.2f}"
    digits = f"{float(f'{amount:.2g}'):.6f}"
    return f"${digits[:4]}{digits[4:].rstrip('0')}"
