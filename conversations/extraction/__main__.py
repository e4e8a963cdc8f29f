"""The process that takes the text out of one file: the file is its standard input, its name the argument.

It bounds itself before it reads the file: memory, CPU seconds, and bytes that it may write. It prints one JSON object:
`{"type", "text", "pages"}`, or `{"refused": code}`.
"""

import json
import resource
import sys
from typing import Any, Final

from conversations.domain.sources import MAX_CHARACTERS, SourceType
from conversations.domain.texts import cleaned, has_visible_character
from conversations.extraction import file_types
from conversations.extraction.refusals import Refused
from evidence import processes

MEMORY_BYTES: Final = 1024 * 1024 * 1024
CPU_SECONDS: Final = 20
# The longest text with its JSON escapes, and the offsets of its pages.
OUTPUT_BYTES: Final = 16 * 1024 * 1024


def bound() -> None:
    """Bound this process; nothing can widen it again."""
    processes.bound(
        {
            resource.RLIMIT_AS: MEMORY_BYTES,
            resource.RLIMIT_CPU: CPU_SECONDS,
            resource.RLIMIT_FSIZE: OUTPUT_BYTES,
        }
    )


def extracted(data: bytes, name: str) -> dict[str, Any]:
    """The type, the text, and the offsets of its pages. Raises Refused."""
    type_, text = file_types.tell(data, name)
    pages: list[int] = []
    # Each imported when it is needed: they load libraries.
    if type_ is SourceType.PDF:
        from conversations.extraction import pdf

        text, pages = pdf.text_of(data)
    elif type_ is SourceType.DOCX:
        from conversations.extraction import docx

        text = docx.text_of(data)
    elif type_ is SourceType.HTML:
        from conversations.extraction import html

        text = html.text_of(text)
    if not pages:
        # Cleaning may move the offsets of pages.
        text = cleaned(text.replace("\0", "")).strip()
    if not has_visible_character(text):
        raise Refused("empty")
    if len(text) > MAX_CHARACTERS:
        raise Refused("too_long")
    return {"type": type_, "text": text, "pages": pages}


def main() -> None:
    bound()
    try:
        found = extracted(sys.stdin.buffer.read(), sys.argv[1])
    except Refused as refused:
        found = {"refused": refused.code}
    except (MemoryError, RecursionError):
        found = {"refused": "too_complex"}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
