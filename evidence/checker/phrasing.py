"""The words that say what a figure does: it rises, falls, is assumed or denied."""

import re
from typing import Final

from evidence.checker.alternatives import by_first_letter

UP: Final = (
    r"up|ros(?:e|en)|rises?|rising|grew|grow(?:s|n|ing|th)?|increas(?:e|es|ed|ing)|gain(?:s|ed|ing)?|jump(?:s"
    r"|ed|ing)?"
    r"|climb(?:s|ed|ing)?|surg(?:e|es|ed|ing)|advanc(?:e|es|ed|ing)|add(?:s|ed|ing)|higher|more|expand(?:s|ed|ing)?"
    r"|expansion|improv(?:e|es|ed|ing|ement)|soar(?:s|ed|ing)?|rall(?:y|ied|ies|ying)|appreciat(?:es|ed|ing"
    r"|ion)|strengthened"
    r"|widen(?:s|ed|ing)?|accelerat(?:es|ed|ing)|compound(?:s|ed|ing)?|returned|rebound(?:s|ed|ing)?|leapt|doubled"
)
DOWN: Final = (
    r"down|f[ae]ll(?:s|en|ing)?|declin(?:e|es|ed|ing)|decreas(?:e|es|ed|ing)|drop(?:s|ped|ping)?|los[est]{1,2}"
    r"|losing|loss"
    r"|shed(?:s|ding)?|slid(?:e|es|ing)?|slip(?:s|ped|ping)?|plung(?:e|es|ed|ing)|lower|less|shr[aiu]nk(?:s|ing)?"
    r"|contract(?:s|ed|ing|ion)|tumbl(?:e|es|ed|ing)|sank|sink(?:s|ing)?|weaken(?:s|ed|ing)?|narrow(?:s|ed|ing)?"
    r"|depreciat(?:es|ed|ing|ion)|retreat(?:s|ed|ing)?|negative|cut|erod(?:es|ed|ing)|decelerat(?:es|ed|ing)"
    r"|halved|correction"
)
# "may", and not the month.
_ASSUMED: Final = (
    r"would|could|might|m(?-i:(?<=m)ay)|should|will|shall|if|assum(?:e|es|ed|ing|ption|ptions)|scenario|suppos(?:e|ing)"
    r"|target(?:s|ed|ing)?"
    r"|forecast(?:s|ed|ing)?|expect(?:s|ed|ing|ation|ations)?|project(?:s|ed|ing|ion|ions)|upside|downside"
    r"|stop(?:-loss)?"
    r"|estimat(?:e|es|ed|ing)|predict(?:s|ed|ing|ion)?|guid(?:ance|es|ed|ing)|plan(?:s|ned|ning)?"
    r"|potential(?:ly)?|likely"
    r"|probab(?:ly|le|ility)|hypothetical(?:ly)?|fair value|intrinsic value|bull case|bear case|base case"
    r"|outlook|next"
    r"|anticipat(?:e|es|ed|ing)|implies|imagine|unless|whether|budget|position siz(?:e|ing)|portfolio"
    r"|allocat(?:e|ion)|hedge"
    r"|analysts|consensus|bulls|bears|critics|sceptics|skeptics|optimists|pessimists"
    r"|I(?:'d| would| see| expect| recommend)|recommend(?:s|ed|ing)?|risk premium|discount rate|hurdle"
)
_NEGATED: Final = (
    r"\b(?:not|never|nor|neither|isn't|wasn't|aren't|weren't|didn't|doesn't|no longer"
    r"|rather than|instead of)$"
)


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{by_first_letter(pattern)})\b", re.IGNORECASE)


UPWARDS: Final = _words(UP)
DOWNWARDS: Final = _words(DOWN)
ASSUMED: Final = _words(_ASSUMED)
NEGATED: Final = re.compile(_NEGATED, re.IGNORECASE)

DENIED: Final = re.compile(
    r"\b(?:nobody|no one|no-one)\b|\b(?:untrue|false|wrong|not true|not the case) that\b|\b(?:den(?:y|ies|ied)"
    r"|disagrees?|disputes?d?|doubt(?:s|ed|ful)?|contrary to|refutes?d?|myth|far from|nowhere near)\b",
    re.IGNORECASE,
)
# "So the market doubts that these earnings last", to the end of the sentence; not "so I doubt it", "so they say".
CONCLUSION: Final = re.compile(
    r", so (?!(?:it|they|he|she|I|we|people|some|many)\b)(?![^,;:]*\b(?:it|this|figures?|numbers?)\b)[^,;:]*$",
    re.IGNORECASE,
)
