"""How a speech of the local model begins and goes on: words that people edited, around the facts of wording.py."""

from collections.abc import Mapping
from typing import Final

FIRST: Final[Mapping[str, Mapping[int, tuple[str, ...]]]] = {
    "financial_analyst": {
        1: ("", "what speaks for it is that ", "to begin with the figures, "),
        0: ("", "to begin with the figures, ", "what the record says first is that "),
        -1: ("", "what speaks against it is that ", "to begin with the figures, "),
    },
    "market_context": {
        1: ("", "it helps that ", "seen from outside, "),
        0: ("", "seen from outside, ", "for the surroundings it matters that "),
        -1: ("", "it does not help that ", "seen from outside, "),
    },
    "risk_challenger": {
        1: ("it is true that ", "granted, "),
        0: ("", "before anything else, ", "I would not pass over that "),
        -1: ("", "what worries me is that ", "the trouble is that "),
    },
}
"""By role and by the tone of the fact; each begins the speech."""

PLAIN: Final = ("", "what the record says first is that ", "to begin with, ")
"""The openings of a role that has none of its own."""

SAME: Final = (
    "{name} is right about {about}, and ",
    "to {about}, which {name} named, I add that ",
    "{name} has a point with {about}: ",
    "it fits {about}, which {name} named, that ",
)
"""In reply to a fact of the same tone."""

OTHER: Final = (
    "{name} makes much of {about}, but ",
    "{name} points to {about}, and yet ",
    "against {about}, which {name} named, stands that ",
)
"""In reply to a fact of the opposite tone."""

BESIDE: Final = (
    "{name} speaks of {about}, but ",
    "beyond {about}, which {name} named, ",
    "{name} looks at {about}, and I look at something else: ",
)
"""In reply to a fact when one of the two has no tone."""

AGAIN: Final = ("I come back to {about}: ", "{name} is right to speak of {about}: ")
"""In reply to a fact of the same family."""

UNSPECIFIC: Final = ("{name} overlooks that ", "{name} leaves out that ", "{name} has a point, but ")
"""In reply to a speech without a fact that is known."""

ANSWERS: Final = ("to answer {name}, ", "on what {name} says, the record has this: ")
"""In reply to a person."""

NEXT: Final = ("", "besides, ", "in addition, ", "beyond that, ", "it also matters that ")
"""Before the second fact."""

WEIGHED: Final = (
    "Which of the two weighs more, no figure of the record settles.",
    "The record has both, and settles neither.",
    "What remains open is which of them will matter later.",
)
"""The end of a summary."""

RESTED: Final = ("{name} argued that ", "the case of {name} rested on this: ")
OPPOSED: Final = ("{name} answered that ", "against that, {name} put that ")
