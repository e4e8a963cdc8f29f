"""Which of the page's eight colours a speaker wears. `src/hues.ts` says the same for the live page."""

KNOWN = {"financial_analyst": 0, "market_context": 1, "risk_challenger": 2, "moderator": 3}
# Roles of other panels share the rest; the sum of code points is the same in Python and JavaScript.
SHARED = range(4, 8)


def hue(role: str) -> int:
    """0 to 7, the same for a role wherever it appears."""
    if role in KNOWN:
        return KNOWN[role]
    return SHARED[sum(map(ord, role)) % len(SHARED)]
