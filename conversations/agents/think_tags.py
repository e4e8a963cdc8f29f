"""Separates the thoughts that a model writes into its answer, in <think> tags, from what it says. Pure."""

import re
from enum import Enum, auto
from typing import Final, NamedTuple

_OPENING: Final = re.compile(r"<(?:think|thinking|thought)>", re.IGNORECASE)
_CLOSING: Final = re.compile(r"</(?:think|thinking|thought)>", re.IGNORECASE)
_OPENINGS: Final = ("<think>", "<thinking>", "<thought>")
_LONGEST: Final = len("</thinking>")


class Is(Enum):
    """What a part of an answer is. RETRACTION has no text: all speech before it was thoughts."""

    THOUGHT = auto()
    SPEECH = auto()
    RETRACTION = auto()


class Part(NamedTuple):
    what: Is
    text: str = ""


class ThinkTags:
    """`feed` it the pieces of an answer, which may divide a tag, and `end` after the last one.

    Thoughts stand before speech; an opening tag within speech is text like any other. A closing tag without an opening
    one, which some chat templates swallow, retracts the speech before it."""

    def __init__(self) -> None:
        # None before the first speech, and after thoughts.
        self._now: Is | None = None
        self._has_thought = False
        # Pieces of white space before the first speech. Joined once: a server may send thousands of them.
        self._spaces: list[str] = []
        self._rest = ""

    def feed(self, piece: str) -> list[Part]:
        """What is certain by now, in order."""
        if self._now is None and not self._rest and not piece.strip():
            self._spaces.append(piece)
            return []
        self._rest = self._all_held() + piece
        parts: list[Part] = []
        while self._rest and self._step(parts):
            pass
        return parts

    def end(self) -> list[Part]:
        """What was held back."""
        rest, self._rest = self._all_held(), ""
        return [Part(self._now or Is.SPEECH, rest)] if rest else []

    def _all_held(self) -> str:
        held = "".join(self._spaces) + self._rest
        self._spaces.clear()
        return held

    def _step(self, parts: list[Part]) -> bool:
        """Take one part off the rest; False if more of the answer has to come first."""
        if self._now is not None:
            return self._until_closed(self._now, parts)
        begun = self._rest.lstrip()
        if match := _OPENING.match(begun):
            self._rest, self._now = begun[match.end() :], Is.THOUGHT
            return True
        if not begun or any(tag.startswith(begun.lower()) for tag in _OPENINGS):
            return False
        if self._has_thought:
            # The empty lines after thoughts are no speech.
            self._rest = begun
        self._now = Is.SPEECH
        return True

    def _until_closed(self, now: Is, parts: list[Part]) -> bool:
        """Take what stands before a closing tag, or all that cannot be a part of one."""
        is_watched = "<" in self._rest and (now is Is.THOUGHT or not self._has_thought)
        match = _CLOSING.search(self._rest) if is_watched else None
        if match is None:
            held = self._rest.rfind("<", max(0, len(self._rest) - _LONGEST)) if is_watched else -1
            cut = after = len(self._rest) if held < 0 else held
        else:
            cut, after = match.span()
        text, self._rest = self._rest[:cut], self._rest[after:]
        if text:
            parts.append(Part(now, text))
        if match is None:
            return False
        if now is Is.SPEECH:
            parts.append(Part(Is.RETRACTION))
        self._has_thought, self._now = True, None
        return True


def spoken(text: str) -> str:
    """A whole answer without its thoughts."""
    tags, said = ThinkTags(), ""
    for part in (*tags.feed(text), *tags.end()):
        if part.what is Is.SPEECH:
            said += part.text
        elif part.what is Is.RETRACTION:
            said = ""
    return said
