"""Which team answers a question, by rules. Pure.

Rules only decide what is clear; the first that fits does. The reason is a sentence for people.
"""

import re
from typing import Final, NamedTuple

from conversations.domain.arithmetic import asked
from conversations.domain.panels import DATA_TEAM, FINANCIAL_DEBATE, GENERAL_ASSISTANT
from evidence.instruments import INSTRUMENTS

AUTO: Final = "auto"
"""In the place of a panel's slug: the question is routed."""

# Characters of a question that are looked at.
MAX_LOOK: Final = 1_000
_DAY: Final = r"(?:business|working|trading|calendar|week)?[ -]?days?"
_CURRENCY: Final = (
    r"(?:eur|usd|gbp|jpy|chf|sek|nok|cad|aud|cny|euros?|(?:us |canadian |australian )?dollars?|pounds?|yen"
    r"|(?:swiss )?francs?|(?:swedish |norwegian )?(?:kronor|krona|kroner|krone)|yuan)"
)
_DATES: Final = re.compile(
    rf"\bhow many {_DAY}\b|\bdays? (?:between|from|until|since)\b|\b\d+ {_DAY} (?:after|before|from|ago)\b"
    r"|\bwhat (?:day|weekday|date) (?:is|was|will)\b|\b(?:is|was|are|were) .{1,40}\btrading days?\b",
    re.IGNORECASE,
)
_CONVERSION: Final = re.compile(
    rf"\b(?:convert|exchange|how (?:much|many)|what (?:is|are|were|was))\b.{{0,40}}?[\d$€£¥].{{0,30}}?"
    rf"\b(?:in|into|to)\b {_CURRENCY}\b|\bhow many {_CURRENCY} .{{0,30}}\d",
    re.IGNORECASE,
)
_METRIC: Final = (
    r"(?:closing price|share price|stock price|price|close|volume|revenues?|net income|eps|earnings per share|rsi"
    r"|volatility|moving average|inflation(?: rate)?|unemployment(?: rate)?|cpi|gdp|exchange rate|treasury bill rate)"
)
_LOOK_UP: Final = re.compile(
    rf"^(?:please |can you |could you )?(?:look up|tell me|give me|what (?:is|was|were)|how high (?:is|was))\b"
    rf".{{0,60}}\b{_METRIC}\b",
    re.IGNORECASE,
)
_OPINION: Final = re.compile(
    r"\b(?:buy|buys|buying|sell|sells|selling|hold|holding|invest|investing|investors?|investments?|should|worth"
    r"|overvalued|undervalued|bullish|bearish|outlook|risks?|risky|rally|debate|better|fair value|justified|will)\b",
    re.IGNORECASE,
)
_MARKETS: Final = re.compile(
    r"\b(?:markets?|stocks?|shares?|bonds?|equit(?:y|ies)|earnings|dividends?|portfolios?|valuations?|hedge"
    r"|recession|inflation|interest rates?|central banks?|fed|ecb|crypto|bitcoin|commodit(?:y|ies)|oil|gold|ipo"
    r"|acquisitions?|merger|credit|default|balance sheet|cash flow|margins?|revenues?|economy|currenc(?:y|ies))\b",
    re.IGNORECASE,
)
_COMPARED: Final = re.compile(r"\bcompar(?:e|ed|ing|ison)\b|\bversus\b|\bvs\b", re.IGNORECASE)
_CASHTAG: Final = re.compile(r"\$[A-Z]{1,5}\b")


class Decision(NamedTuple):
    """The slug of a panel, and why it answers."""

    panel: str
    reason: str


def decide(
    question: str,
    *,
    instrument: str = "",
    has_text: bool = False,
    has_data: bool = False,
    follows: bool = False,
) -> Decision | None:
    """The team for a question with this instrument ("" for none), with or without a text to discuss, and with or
    without tables; `follows`: it follows an earlier debate. None if no rule decides."""
    if has_data:
        return Decision(DATA_TEAM.slug, "There are tables to ask.")
    if instrument:
        return _debated(f"{instrument} was named.")
    look = question[:MAX_LOOK]
    if asked(look) is not None:
        return _answered("The question is a calculation.")
    is_opinion = _OPINION.search(look) is not None
    if not is_opinion:
        if _CONVERSION.search(look):
            return _answered("The question converts an amount of money.")
        if _DATES.search(look):
            return _answered("The question is about dates.")
        if _LOOK_UP.search(look) and not _COMPARED.search(look):
            return _answered("The question asks for a figure.")
    if has_text:
        return _debated("There is a text to discuss.")
    if (named := _instrument(look)) is not None:
        return _debated(f"The question is about {named}.")
    if _COMPARED.search(look):
        return _debated("The question asks for a comparison.")
    if is_opinion or _MARKETS.search(look):
        return _debated("The question is about markets or an investment.")
    return _debated("The question follows an earlier debate.") if follows else None


def _instrument(question: str) -> str | None:
    """What of the known instruments, or which ticker, the question names."""
    for each in INSTRUMENTS:
        names = "|".join(map(re.escape, (each.name, *each.names)))
        if re.search(rf"\b(?:{each.symbol})\b|\b(?i:{names})\b", question):
            return each.name
    tag = _CASHTAG.search(question)
    return None if tag is None else tag[0]


def _debated(reason: str) -> Decision:
    return Decision(FINANCIAL_DEBATE.slug, reason)


def _answered(reason: str) -> Decision:
    return Decision(GENERAL_ASSISTANT.slug, reason)
