"""What stands right after a metric and says more about it: RSI(14), SMA-50, high (52-week), P/E (trailing)."""

import re
from typing import Final

# "RSI(14)", "SMA-50", "SMA 50".
_PARAMETER: Final = re.compile(
    r"\s?\((?P<bracket>\d{1,3})(?:,? (?:Wilder|days?|daily|simple))?\)|-(?P<joined>\d{1,3})(?![.,]?\d|[%\w])"
    r"| (?P<apart>\d{1,3})(?![.,]?\d|[%\w])"
)
_FOLLOWED: Final = re.compile(r"\s?[:=]|\s(?:is|was|at|of|stands|reads)\b")
_INNER: Final = re.compile(r"^\d{1,3}|\d{1,3}$")
_INDICATORS: Final = frozenset(("rsi", "sma", "ema"))
# What a bracket after a metric says of it: "RSI(14)", "high (52-week)", "P/E (trailing)".
QUALIFIER: Final = re.compile(
    r"\s?\((?:(?P<window>\d{1,4}(?:-(?:day|week|month|year)|d| days?| weeks?| months?|w|m|y))|(?P<kind>trailing"
    r"|forward|core|diluted|simple|annuali[sz]ed|Wilder|average|avg|TTM|\d{1,3}))(?:,? (?:Wilder|simple|average"
    r"|annuali[sz]ed|days?|trailing))?\)",
    re.IGNORECASE,
)
OF_KIND: Final = {
    ("pe", "forward"): "forward_pe",
    ("inflation", "core"): "core_inflation",
    ("cpi", "core"): "core_cpi",
}


def parameter_of(text: str, start: int, end: int, family: str) -> tuple[int, int] | None:
    """(the days of an indicator, where its mention ends with them)"""
    if family not in _INDICATORS:
        return None
    if inner := _INNER.search(text[start:end]):
        return int(inner[0]), end
    match = _PARAMETER.match(text, end)
    is_value = (
        match is not None and match["apart"] and family == "rsi" and not _FOLLOWED.match(text, match.end())
    )
    if match is None or is_value:
        return None
    is_short = text[start:end].isupper() or not match["apart"]
    return int(match[match.lastgroup or 0]), match.end() if is_short else end


def end_of(text: str, start: int, end: int, family: str, qualifier: re.Match[str] | None) -> int:
    """Where a mention ends, with what says more about it."""
    if (parameter := parameter_of(text, start, end, family)) is not None:
        return parameter[1]
    return end if qualifier is None or (qualifier["kind"] or "").isdigit() else qualifier.end()
