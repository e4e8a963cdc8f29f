"""Digits that are no claims: citations, dates, names, parameters, references."""

import re
from typing import Final

MONTHS: Final = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
    "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec"
)
# Most words begin with another letter than a month.
MONTH: Final = rf"(?=[JFMASOND])(?:{MONTHS})"
_TIME_UNIT: Final = (
    r"(?:trading[ -])?(?:second|minute|hour|day|session|week|month|quarter|year|decade|period|bar)s?"
)

_MASKS: Final = (
    # Citations, footnotes, addresses
    r"\[\^?[^\[\]]{0,60}\]",
    r"\b(?:https?://|www\.)\S{1,500}",
    r"\S{1,64}@\S{1,64}",
    # Dates and times
    r"\b\d{4}-\d{2}(?:-\d{2})?\b",
    r"\b\d{1,2}/\d{1,2}/\d{2,4}\b",
    r"\b(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\b(?! shares)",
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{MONTHS})\b\.?(?:,? ?\d{{4}}\b)?",
    rf"\b{MONTH}\b\.? \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? ?\d{{4}}\b)?(?![.,]?\d|%| ?%| per| bil| mil|bn)",
    rf"\b{MONTH}\b\.?,? ?\d{{4}}\b",
    r"\b\d{1,2}:\d{2}(?::\d{2})?\b",
    r"\b\d{1,2} ?[ap]\.?m\b",
    # Periods
    r"\b(?:FY|CY|fiscal(?: year)?|calendar(?: year)?) ?'?\d{2,4}(?:[-/]\d{2,4})?[AE]?\b",
    r"\b[QH][1-4](?: ?(?:FY|of|')? ?\d{2,4})?\b",
    r"\b[1-4][QH](?: ?'?\d{2,4})?\b",
    r"\b(?:19|20)\d{2}(?:[-/](?:19|20)?\d{2})?s?\b(?![.,]\d|[%xX×]| ?%| per ?cent| percent| billion| million"
    r"|bn\b|m\b)",
    r"'\d{2}s?\b",
    # Names
    r"\b(?:S&P|Nasdaq|NASDAQ|Russell|FTSE|CAC|DAX|MDAX|Nikkei|Dow|Stoxx|STOXX|CSI|ASX|TSX|IBEX|SMI|AEX|Topix"
    r"|OMX|MSCI)"
    r"(?:[ -][A-Za-z]{1,8})? ?\d{2,4}\b",
    r"\b(?:10-[KQ]|8-K|20-F|6-K|13[DFG]|S-[134]|F-1|10b-5|14A)\b(?:/A)?|\b401\(k\)",
    r"(?:\b(?:ASC|ASU|IFRS|IAS|FAS|SFAS|ISO|Basel|SOC|Rule|Article|Art\.|Section|Sec\.|Regulation|Reg\.|Act|Title)|§)"
    r" ?\d{1,5}(?:[-.]\d{1,4}){0,3}(?:\([a-z0-9]{1,3}\))*[a-z]?",
    r"\b(?:iPhone|iPad|iOS|Windows|Galaxy|Pixel|Boeing|Airbus|Model|PlayStation|Xbox|Office|Android|Web|Level"
    r"|Tier|Type"
    r"|Class|Series|GPT-?|Gemini|Claude|Llama|Python|Core i|Surface|Kindle|Formula|Route|Area|Studio|Gate|Apollo"
    r")[ -]?\d{1,4}(?:\.\d{1,2})?(?:[A-Za-z]\b)?",
    # Telephone numbers, addresses, identifiers
    r"(?:\+?\d{1,2}[ .-])?(?:\(\d{3}\) ?|\b\d{3}[ .-])\d{3}-\d{4}\b|\b\d{3}\.\d{3}\.\d{4}\b",
    r"\+\d{1,3} \(?\d{1,4}\)?(?: \d{2,4}){1,2} \d{4}\b",
    r"(?<=, [A-Z]{2} )\d{5}\b(?![.,]\d)",
    r"\b\d{10}-\d{2}-\d{6}\b|\b0\d{2,}(?:-\d{2,})+\b|\b0\d{4,}\b",
    r"\b(?:CIK|CUSIP|SEDOL|EIN|SIC|NAICS|[Bb]uild|ext\.|ZIP(?: code)?|P\.?O\. Box|NT) ?[:#]? ?\d[\d.-]*\b",
    # References and ranks
    r"\b(?:[Ff]igure|[Ff]ig\.|[Tt]able|[Pp]age|[Pp]ages|p\.|pp\.|[Nn]ote|[Ii]tem|[Cc]hapter|[Pp]hase|[Rr]ound|[Ss]tep"
    r"|[Ss]cenario|[Oo]ption|[Cc]ase|[Pp]art|[Aa]ppendix|[Ss]lide|[Qq]uestion|[Ss]ource|[Pp]oint|[Ll]ine|[Rr]isk"
    r"|[Ss]ection|[Ff]ootnote|[Pp]aragraph|[Ee]xhibit|[Vv]ersion|v)"
    r" ?#?\d{1,4}(?:\.\d{1,3}){0,3}[a-zA-Z]?\b(?! ?%)",
    r"\b(?:[Nn]o\.|[Nn]umber|[Tt]op|[Ff]irst|[Ll]ast|[Nn]ext) ?\d{1,3}\b(?!\.\d|,\d| ?%| per)",
    r"#\d{1,6}\b",
    r"\b\d{1,5}(?:st|nd|rd|th)\b",
    r"^[ \t>]{0,8}(?:#{1,6} ?)?(?:\d{1,3}(?:\.\d{1,3}){0,3}[.)]|\(\d{1,3}\))(?=\s)",
    # Parameters and durations
    rf"\b\d{{1,4}}(?:-| ?to ?|-to-|/|- (?:and|or) )?(?:\d{{1,4}})?[- ]{_TIME_UNIT}\b",
    r"\b(?:RSI|SMA|EMA|MA|DMA|MACD|ATR|ADX|BB|Bollinger) ?\(\d{1,3}(?:, ?\d{1,3}(?:\.\d)?){0,2}"
    r"(?:, ?[A-Za-z]{1,12})?\)",
    r"\b(?:SMA|EMA|DMA|MA)[ -]?\d{1,3}\b(?![.,]?\d|%)|\bRSI-?\d{1,2}\b(?![.,]?\d|%)"
    r"|\bRSI \d{1,2}(?=(?: ?[:=]| (?:is|was|at|of|stands at|reads)) ?\d)",
    r"\b\d{1,3}[ -]?(?:DMA|SMA|EMA)\b|\b\d{1,3}d?[ -]MA\b",
    r"\b(?:[Rr]eturns?|[Hh]igh|[Ll]ow|[Rr]ange|[Pp]erformance|[Vv]olatility|[Aa]verage|[Dd]rawdown|[Vv]olume"
    r"|[Cc]hange) ?\(\d{1,3}[ -]?[dwmyDWMY]\b",
    r"\b\d{1,3}[dwmy](?=[ -](?:returns?|high|low|range|performance|volatility|average|moving|drawdown)\b)",
    r"(?<=% )\(\d{1,2}[dwmy]\)",
    r"\b\d{1,4}[- ]for[- ]\d{1,4}\b|\b\d{1,4}:\d{1,4}\b|\b24/7\b|\b\d{1,2}-to-\d{1,2}\b",
    r"\b(?!\d{1,3}(?:\.\d{3})+\b)\d{1,4}(?:\.\d{1,4}){2,5}\b",
)
# None begins inside a word, where most characters are, or with a space, but for the first one of a line.
_MASK: Final = re.compile(
    rf"(?:^|(?<![A-Za-z])(?=\S)|(?=['\[#]))(?:{'|'.join(f'(?:{mask})' for mask in _MASKS)})", re.MULTILINE
)


def masked(text: str) -> list[tuple[int, int]]:
    """Spans whose digits are no claims, in order."""
    return [match.span() for match in _MASK.finditer(text)]
