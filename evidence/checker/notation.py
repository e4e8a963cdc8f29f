"""What stands around a numeral: currency, scale, unit, and words that say how exactly it is meant."""

import re
from decimal import Decimal
from typing import Final

from evidence.checker.figure import Bound, Figure, Measure

SYMBOLS: Final = {
    "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD", "HK$": "HKD", "S$": "SGD", "NZ$": "NZD",
    "R$": "BRL", "NT$": "TWD", "$": "$", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₺": "TRY",
    "₽": "RUB", "₪": "ILS",
}  # fmt: skip

CODES: Final = (
    "USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|HKD|SGD|CNY|RMB|INR|KRW|SEK|NOK|DKK|BRL|MXN|ZAR|TRY|PLN|CZK|HUF|TWD|THB|IDR|MYR"
    "|PHP|RUB|ILS|SAR|AED|KWD"
)

_WORDS: Final = {
    "dollar": "$", "dollars": "$", "euro": "EUR", "euros": "EUR", "pounds": "GBP", "sterling": "GBP", "yen": "JPY",
    "francs": "CHF", "rupees": "INR", "yuan": "CNY", "renminbi": "CNY",
}  # fmt: skip

_SCALES: Final = {
    "hundred": 10**2, "k": 10**3, "thousand": 10**3, "thousands": 10**3, "m": 10**6, "mn": 10**6, "mm": 10**6,
    "mio": 10**6, "mln": 10**6, "mil": 10**6, "bil": 10**9,
    "million": 10**6, "millions": 10**6, "b": 10**9, "bn": 10**9, "bln": 10**9,
    "billion": 10**9, "billions": 10**9, "t": 10**12, "tn": 10**12, "trn": 10**12, "trillion": 10**12,
    "trillions": 10**12,
}  # fmt: skip

_SCALE: Final = re.compile(
    r"[  -]?(?i:hundred|thousands?|millions?|billions?|trillions?|mln|mio|bln|trn|bn|mn|mm|tn)\b"
    r"|[  -]?(?i:mil|bil)\b(?:\.(?= [a-z]))?"
    r"|[kKmMbBtT](?![\w'])| [mMbBkK](?![\w'&])"
)

_UNIT: Final = re.compile(
    r"(?P<percent>[  ]?%(?:-?points?| points?\b| pts?\b)?|[  -](?:per ?cent\b|pct\b\.?)(?:age)?(?:[ -]points?)?"
    r"|[  -]percentage[ -]points?\b|[  ]?(?:pp|ppts?|p\.p\.|pps)(?!\w))"
    r"|(?P<bp>[  -]?bps?(?!\w)|[  -]basis[ -]points?\b)"
    r"|(?P<multiple>[xX×](?!\w)|[  ]×|[  ]?-?fold\b|[  -]times\b(?! (?:a|an|per|in|this|since|over|during"
    r"|before|as many|already)\b))"
    rf"|(?P<code>[  ]?(?:{CODES})\b)"
    r"|(?P<word>[  -](?:US |U\.S\. )?(?:dollars?|euros?|pounds|sterling|yen|francs|rupees|yuan|renminbi)\b)"
    r"|(?P<cents>[  -](?:cents?|pence)\b|¢)"
)

# Scales and measures that are not read, among them parts of a thousand and powers of ten.
FOREIGN_SCALE: Final = re.compile(
    r"[  -]?(?:lakhs?|crores?|lacs?|Mrd\.?|Mio\.|Millionen|Milliarden|[万萬亿億兆만억조千百])"
    r"|[  ]?[‰‱]|[  -]per ?mill?e?\b|[  -]per thousand\b|[eE][+-]?\d+\b|[  ]?[x×*·] ?10\b(?:\^?[-+\d\ufffd]*)?|·\d+"
    r"| [1-9]/[1-9]\d?(?!\d)"
)

_ABOUT: Final = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|circa|ca?\.|some|nearly|almost|close to|near"
    r"|just (?:under|over"
    r"|above|below|shy of)|an estimated|broadly|virtually|some)|~|≈) ?$",
    re.IGNORECASE,
)

_ABOVE: Final = re.compile(
    r"\b(?:over|more than|greater than|above|exceed(?:s|ed|ing)?|at least|north of|upwards? of|beyond"
    r"|surpass(?:es|ed|ing)?|topped"
    r"|in excess of|no less than|not less than) $",
    re.IGNORECASE,
)

_BELOW: Final = re.compile(
    r"\b(?:under|less than|below|at most|up to|no more than|not more than|fewer than|short of|as much as|lower than"
    r"|beneath) $",
    re.IGNORECASE,
)

WINDOW: Final = 24


def _bare(text: str) -> str:
    return text.lstrip(" \u00a0-").rstrip(" .")


def scale_after(text: str, end: int) -> tuple[int, int]:
    match = _SCALE.match(text, end)
    if match is None or _is_of_a_list(text, match):
        return 1, end
    return _SCALES[_bare(match[0]).lower()], match.end()


def _is_of_a_list(text: str, match: re.Match[str]) -> bool:
    """Whether the letter marks the next point of a list: "a) 47.1 b) 39.6"."""
    if len(match[0]) > 2 or text[match.end() : match.end() + 1] != ")":
        return False
    return text.rfind("(", 0, match.end()) <= text.rfind(")", 0, match.end())


def unit_after(text: str, end: int) -> tuple[Measure, int, str | None, bool, bool]:
    """(measure, end, currency, whether percentage points, whether hundredths of the currency)"""
    match = _UNIT.match(text, end)
    if match is None:
        return Measure.PLAIN, end, None, False, False
    word = _bare(match[0])
    if match["percent"]:
        return (
            Measure.PERCENT,
            match.end(),
            None,
            "p" in word.lower() and ("oint" in word or "pp" in word or "pt" in word),
            False,
        )
    if match["bp"]:
        return Measure.BP, match.end(), None, True, False
    if match["multiple"]:
        return Measure.MULTIPLE, match.end(), None, False, False
    if match["cents"]:
        return Measure.CURRENCY, match.end(), "GBP" if word == "pence" else "$", False, True
    currency = iso(word) if match["code"] else _WORDS[word.split(" ")[-1].lower()]
    return Measure.CURRENCY, match.end(), currency, False, False


def iso(code: str | None) -> str | None:
    return "CNY" if code == "RMB" else code


def odd(start: int, end: int, measure: Measure = Measure.PLAIN) -> Figure:
    return Figure(start, end, Decimal(0), measure, Decimal(1), is_understood=False)


def bound_before(text: str, start: int) -> Bound:
    window = text[max(0, start - WINDOW) : start]
    if _ABOUT.search(window):
        return Bound.ABOUT
    if _ABOVE.search(window):
        return Bound.ABOVE
    return Bound.BELOW if _BELOW.search(window) else Bound.EXACT
