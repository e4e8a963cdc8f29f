"""Sources: texts that people upload for a debate. Pure, and without Django, because the process that takes text out of
files imports it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_SOURCES: Final = 10
"""Sources of one debate."""

MAX_FILE_BYTES: Final = 20 * 1024 * 1024
MAX_CHARACTERS: Final = 500_000
"""Characters of a debate's content and sources in all."""

MAX_NAME: Final = 200


class SourceType(StrEnum):
    """What a source's file was. Its bytes tell, not its name."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    PDF = "pdf"
    DOCX = "docx"


@dataclass(frozen=True)
class SourceText:
    """The text of a source. `pages` are the offsets in the text, in characters, at which its pages begin; empty if it
    has no pages. Headings of a source without pages stand in Markdown."""

    name: str
    text: str
    pages: tuple[int, ...] = ()

    def beginning(self, characters: int) -> "SourceText":
        """The first characters of the text, with the pages that begin in them."""
        pages = tuple(offset for offset in self.pages if offset < characters)
        return SourceText(self.name, self.text[:characters], pages)

    def texts_of_pages(self) -> list[str]:
        """The text of each page, without space around it."""
        ends = [*self.pages[1:], len(self.text)]
        return [self.text[begin:end].strip() for begin, end in zip(self.pages, ends, strict=True)]
