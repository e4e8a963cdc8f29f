"""The text of a PDF, page by page."""

from typing import Final

import pypdfium2
import pypdfium2.raw

from conversations.domain.sources import MAX_CHARACTERS
from conversations.domain.texts import cleaned, has_visible_character
from conversations.extraction.refusals import Refused

# A page that is an image has at most a stamp or a page number of text: characters on average.
_HARDLY_ANY: Final = 25
_BETWEEN_PAGES: Final = "\n\n"


def text_of(data: bytes) -> tuple[str, list[int]]:
    """The text, and the offset in it at which each page begins. Raises Refused."""
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as failure:
        is_encrypted = getattr(failure, "err_code", None) == pypdfium2.raw.FPDF_ERR_PASSWORD
        raise Refused("encrypted" if is_encrypted else "unreadable") from None
    text, offsets, images = "", [], 0
    for page in document:
        offsets.append(len(text))
        found = cleaned(
            page.get_textpage().get_text_bounded().replace("\ufffe", "-").replace("\0", "")
        ).strip()
        text += found + _BETWEEN_PAGES
        images += any(page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE], max_depth=2))
        page.close()
        if len(text) > MAX_CHARACTERS + len(offsets) * len(_BETWEEN_PAGES):
            raise Refused("too_long")
    is_of_images = images == len(offsets) and len(text) < _HARDLY_ANY * len(offsets)
    if is_of_images or not has_visible_character(text):
        raise Refused("scanned")
    return text.rstrip(), offsets
