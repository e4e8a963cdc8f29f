"""Makes the text of models and tools storable."""

import unicodedata


def clean(text: str) -> str:
    """The text with NUL and lone surrogates, which PostgreSQL and UTF-8 refuse, replaced by U+FFFD."""
    if text.isascii():
        return text.replace("\0", "\ufffd")
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen: only space, control and format characters, such as U+200B."""
    return not any(character.isprintable() and not _is_invisible(character) for character in text)


def _is_invisible(character: str) -> bool:
    # U+2800 (Braille) and the Hangul fillers are letters or symbols by category, and blank in every font.
    return (
        character.isspace()
        or character in "\u2800\u115f\u1160\u3164\uffa0"
        or unicodedata.category(character) in {"Cf", "Mn"}
    )
