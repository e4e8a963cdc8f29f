"""What the heads and the caption of a table say about its cells: "Revenue (£m)", "in EUR thousands", "%"."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from evidence.checker.notation import CODES

_CURRENCIES: Final = (
    rf"US-Dollar|(?:US |U\.S\. )?dollars?|euros?|pounds?(?: sterling)?|rupees?|yen|Rs\.?"
    rf"|(?:US|HK|NZ|NT|AU?|CA?|S|R)?\$|[€£¥₹₩₺₽₪]|(?:{CODES})(?![a-z])"
)
_SYMBOLS: Final = {
    "us-dollar": "USD ", "dollar": "$", "dollars": "$", "us dollar": "USD ", "us dollars": "USD ",
    "u.s. dollar": "USD ", "u.s. dollars": "USD ",
    "euro": "€", "euros": "€", "pound": "£", "pounds": "£", "pound sterling": "£",
    "pounds sterling": "£", "rupee": "₹", "rupees": "₹", "rs": "₹", "rs.": "₹", "yen": "¥",
}  # fmt: skip
_SCALES: Final = {
    " thousand": r"thousands?|['’`]?000['’]?s?|k|Tsd\.?|Tausend|T(?=\s?(?:€|EUR|USD|CHF|GBP))",
    " million": r"millions?|mn|mln|mm|m|Mio\.?|Mill\.?|Millionen",
    " billion": r"billions?|bn|bln|b|Mrd\.?|Milliarden",
    " trillion": r"trillions?|trn|tn",
    " crore": r"(?:lakh )?crores?|crs?\.?",
    " lakh": r"lakhs?|lacs?",
}
_MEASURES: Final = {
    "%": r"%|per ?cent(?:age)?|pct\.?|v\.?H\.?|Prozent",
    " pp": r"%-?points?|pp|ppts?|percentage points?|Prozentpunkte",
    " bp": r"bps?|basis points?|Basispunkte",
    "x": r"x|×|times|multiple",
}
_SCALE: Final = "|".join(_SCALES.values())
_OPENING: Final = (
    r"(?:(?:all|figures?|amounts?|values?|numbers?|data|reported|stated|expressed|presented|shown|given|are|is|in|of"
    r"|alle|Angaben|Werte|Beträge|unit:?|units:?|Einheit:?|currency:?)\s+)*"
)
_MONEY: Final = (
    rf"(?:(?P<first>{_CURRENCIES})[\s.,]*(?:in\s+)?(?P<scale_after>{_SCALE})?"
    rf"|(?P<scale>{_SCALE})[\s,]*(?:of\s+)?(?P<second>{_CURRENCIES})?)"
)
_MEASURE: Final = rf"(?P<measure>{'|'.join(_MEASURES.values())})"
# What may follow a unit: "in millions, except per share data".
_BUT: Final = r"(?:[,;]?\s+(?:except|unless|other than|excluding|soweit|wenn)\b[^()\[\]]{0,80})?"


def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_BRACKETED: Final = _expression(
    rf"[(\[](?P<lead>[^()\[\]]{{0,40}}[,;])??\s*{_OPENING}(?:{_MONEY}|{_MEASURE})(?![\w%])(?: shares| omitted)?{_BUT}"
    rf"(?:[,;][^()\[\]]{{0,60}})?\s*[)\]]"
)
_ALONE: Final = _expression(rf"\s*{_OPENING}(?:{_MONEY}|{_MEASURE}){_BUT}\s*")
_ENDING: Final = _expression(
    rf"(?:[,:–—|]\s*|\s[-/]\s+|\bin\s+|\s(?=[^\w\s]|US|{CODES}|Rs|Mio|Mrd|TEUR|TUSD|bps?\b|pct))"
    rf"{_OPENING}(?:{_MONEY}|{_MEASURE}){_BUT}\s*$"
)
_INSIDE: Final = _expression(rf"\bin\s+(?:{_MONEY}|{_MEASURE})(?![\w%])(?=[\s.,:;)*]|$)")
_LEADING: Final = re.compile(r"(?:^|[\s,])%(?=\s)")
_BRACKET: Final = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
# Brackets that say something else than a unit.
_PLAIN_WORDS: Final = _expression(
    r"(?:[\s,.;:/&-]|\d+(?:-?(?:days?|weeks?|months?|years?|d|w|m|y))?(?![\w%])|\b(?:trailing|forward|diluted|basic"
    r"|adjusted|adj|audited|unaudited|reported|GAAP|non-GAAP|TTM|LTM|FY\d*|annual(?:i[sz]ed)?|simple|Wilder|total|net"
    r"|gross|close|closing|daily|average|avg|shares?|per share|index|points?|actual|A|E|est|loss|fiscal|year|years"
    r"|Jan\w*|Feb\w*|Mar\w*|Apr\w*|May|June?|July?|Aug\w*|Sep\w*|Oct\w*|Nov\w*|Dec\w*|core|headline|Q[1-4]"
    r"|NYSE|NASDAQ|rounded|latest|at|on|to|of|the|ended|as|y/y|yoy|max|E\d+)\b)*"
)
_UNCLEAR: Final = _expression(
    r"\b(?:local|constant|functional|presentation|own|home|reporting) currenc(?:y|ies)\b|\blandeswährung\b|\blcy?\b"
)
# Parts of a year, and dates, that are not read as a period.
_UNREAD_PERIOD: Final = re.compile(
    r"\b[HS][12]\b|\b[12]H\b|\b[12]H ?['’]?\d{2}|\b(?:3|6|9)M(?= ?['’]?\d)|\bLTM\b|\b\d{1,2}\.\d{1,2}\.\d{2,4}\b"
    r"|\bHalbjahr\b|\bQuartal\b|(?<![\d/–-])(?:19|20)?\d{2}[/–-]\d{2}\b(?![-–/]\d)|\b[A-Z][a-z]{2}[-'’ ]+\d{2}\b(?!,)"
    r"|\b\d{1,2}/\d{1,2}/\d{2,4}\b|\bhalf\b|\b(?:three|six|nine) months\b"
)
_CHANGES: Final = _expression(
    r"\b(?:change|chg\.?|growth|y/y|yoy|y-o-y|q/q|qoq|vs\.?|versus|delta|difference|diff\.?|variance|var\.?"
    r"|variation|Veränd\w*|Abweichung|increase|decrease)(?!\w)|[Δ∆]|\+/-"
)


@dataclass(frozen=True)
class HeadUnit:
    """What a head says to be written before and after its bare cells. `is_clear` is false if that is not understood;
    `is_german` if a point divides thousands there."""

    prefix: str = ""
    suffix: str = ""
    is_clear: bool = True
    is_german: bool = False

    def __bool__(self) -> bool:
        return bool(self.prefix or self.suffix or not self.is_clear)

    @property
    def is_measure(self) -> bool:
        return self.suffix in _MEASURES


NO_UNIT: Final = HeadUnit()
UNCLEAR: Final = HeadUnit(is_clear=False)


def of_head(head: str, *, is_row: bool = False) -> tuple[HeadUnit, str]:
    """The unit that a head says, and the head without it. The head of a row that is only a currency names it."""
    if _UNCLEAR.search(head):
        return UNCLEAR, head
    match = _BRACKETED.search(head) or (None if is_row else _ALONE.fullmatch(head)) or _ENDING.search(head)
    if match is not None:
        lead = match["lead"] if match.re is _BRACKETED else None
        said = f" ({lead.strip(' ,;')})" if lead else " "
        return _unit(match), f"{head[: match.start()].rstrip()}{said}{head[match.end() :]}".strip(" *")
    if match := _LEADING.search(head):
        return HeadUnit(suffix="%"), f"{head[: match.start()]} {head[match.end() :]}".strip(" *")
    if any(not _PLAIN_WORDS.fullmatch(each[1]) for each in _BRACKET.finditer(head)):
        return UNCLEAR, head
    return NO_UNIT, head


def of_caption(line: str) -> HeadUnit:
    """The unit that the line above a table says for it: "All figures in USD million unless stated"."""
    if _UNCLEAR.search(line):
        return UNCLEAR
    text = line.strip(" \t\n*_#.:")
    match = _BRACKETED.search(text) or _ALONE.fullmatch(text) or _INSIDE.search(text) or _ENDING.search(text)
    return NO_UNIT if match is None else _unit(match)


def both(row: HeadUnit, column: HeadUnit) -> HeadUnit:
    """The unit of a cell whose row and column each say one."""
    if not row or not column or row == column:
        return row or column
    if row.is_measure != column.is_measure and row.is_clear and column.is_clear:
        return row if row.is_measure else column
    if {bool(row.prefix), bool(column.prefix)} == {bool(row.suffix), bool(column.suffix)} == {True, False}:
        return HeadUnit(row.prefix or column.prefix, row.suffix or column.suffix)
    return UNCLEAR


@lru_cache(maxsize=256)
def has_unread_period(head: str) -> bool:
    return _UNREAD_PERIOD.search(head) is not None


@lru_cache(maxsize=256)
def is_of_change(head: str) -> bool:
    return _CHANGES.search(head) is not None


def _unit(match: re.Match[str]) -> HeadUnit:
    if measure := match["measure"]:
        return HeadUnit(suffix=_canonical(measure, _MEASURES), is_german=measure.startswith("Proz"))
    currency = match["first"] or match["second"] or ""
    scale = match["scale"] or match["scale_after"] or ""
    prefix = _SYMBOLS.get(currency.lower(), currency.upper() + " " if currency.isalpha() else currency)
    is_german = (
        re.match(r"Mio|Mrd|Mill\.|Milliard|Millionen|T(?:sd|ausend|$)|US-D", scale or currency) is not None
    )
    return HeadUnit(prefix, _canonical(scale, _SCALES) if scale else "", is_german=is_german)


def _canonical(text: str, known: dict[str, str]) -> str:
    return next(name for name, pattern in known.items() if _fits(pattern, text))


def _fits(pattern: str, text: str) -> bool:
    # A "T" is only a scale before its currency.
    return re.fullmatch(pattern, text, re.IGNORECASE) is not None or (text == "T" and "Tsd" in pattern)
