"""The word right before a metric, which may make another one of it: adjusted EPS, iPhone revenue, the opening price."""

import re
from typing import Final

_WORD: Final = re.compile(r"(?<![\w&./'-])(?P<word>[A-Za-z][\w&./'-]*) $")
_FORWARD: Final = re.compile(r"\bforward (?:rate|price)s? (?:of|for|in) (?:the )?$", re.IGNORECASE)
# With one of these it is another metric, about which the record's figure says nothing.
_OTHER: Final = re.compile(
    r"(?:un)?adjusted|basic|non-GAAP|underlying|normali[sz]ed|forma|pro-forma|organic|comparable|same-store|recurring"
    r"|like-for-like|constant-currency|deferred|unearned|segment|divisional|international|overseas|domestic|foreign"
    r"|services?|products?|hardware|software|subscription|advertising|licen[cs]e|retail|online|mobile|cloud|(?-i:i[A-Z])\w+"
    r"|opening|selling|strike|exercise|offer(?:ing)?|IPO|issue|list|purchase|entry|exit|bid|ask|reference|conversion"
    r"|average|avg\.?|mean|median|historical|sector|industry|peer|implied|producer|wholesale|food|energy|wage|goods"
    r"|house|asset|futures|options|PCE|youth|structural|intraday|pre-market|after-hours|session|month-on-month|quarter-on-quarter"
    r"|retained|restricted|accrued|annuali[sz]ed|discounted|weighted|(?:un)?levered|capitali[sz]ed"
    r"|(?:day|session|week|month|quarter|today|yesterday)'s",
    re.IGNORECASE,
)
# "Revenue per employee".
_PER: Final = re.compile(r" per (?!cent\b|annum\b)[a-z]", re.IGNORECASE)
_PARTS_OF_A_YEAR: Final = frozenset(("hourly", "daily", "weekly", "monthly"))
# These leave it what it is.
_HARMLESS: Final = re.compile(
    r"a|an|the|this|that|these|those|its|their|his|her|our|your|my|each|every|any|some|all|both|no|such|whole"
    r"|about|above|after|against|among|around|as|at|before|below|beneath|between|beyond|by|despite|down|during|for"
    r"|from|in|into|like|near|of|off|on|out|over|per|since|than|through|to|toward|under|until|up|upon|via|with"
    r"|within|without|and|but|nor|or|so|then|yet|plus|if|though|although|because|while|when|where|whereas|whether"
    r"|which|who|whose|what|how|is|was|are|were|be|been|being|am|has|have|had|having|do|does|did|can|may|will|not"
    r"|now|here|there|only|even|just|still|also|again|already|too|very|quite|rather|once|annual|yearly|full"
    r"|full-year|year|current|latest|last|recent|present|new|final|total|net|gross|group|company|firm|corporate"
    r"|consolidated|headline|actual|true|simple|own|same|stated|diluted|trailing|closing|trading|gaap|share|stock"
    r"|market|strong|weak|solid|robust|healthy|stable|steady|steep|sharp|good|poor|great|high|higher|low|lower|big"
    r"|large|huge|record|small|modest|thin|rich|flat|made|make|hit|won|led|brought|took|gave|grew|rose|fell|fall"
    r"|rise|sent|kept|left|let|met|beat|drove|cut|saw|see|set|put|show|say|said|hold|held|lift|sees|run|ran|y/y"
    r"|yoy"
    # Verbs, adverbs, possessives, lengths of time, and what has digits.
    r"|\w{2,}(?:ed|ing|s|ly|'s|s')|\w+-(?:day|week|month|year)|\w*\d[\w./-]*",
    re.IGNORECASE,
)


def is_other(text: str, start: int, end: int, *, has_window: bool) -> bool:
    """Whether the metric that stands here is another one than the record's of that name. A metric with a window has
    monthly and daily values."""
    if _PER.match(text, end):
        return True
    word = _WORD.search(text, max(0, start - 30), start)
    return word is not None and (
        _OTHER.fullmatch(word["word"]) is not None
        or (not has_window and word["word"].lower() in _PARTS_OF_A_YEAR)
        or _FORWARD.search(text, max(0, start - 30), start) is not None
    )


def is_clear(text: str, start: int, *, has_subject: bool) -> bool:
    """Whether nothing unknown stands before the metric that begins here: "oil price" and "Services revenue" may be
    other metrics, and "a P/E of 15x" is nobody's if nobody of the record is named."""
    word = _WORD.search(text, max(0, start - 30), start)
    if word is None:
        return True
    if word["word"].lower() in {"a", "an"}:
        return has_subject
    return _HARMLESS.fullmatch(word["word"]) is not None
