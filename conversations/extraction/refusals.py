"""Why no text is taken out of a file: a stable code, and a sentence for a person."""

from typing import Final

from conversations.domain.sources import MAX_CHARACTERS

SENTENCES: Final = {
    "empty": "The file has no text.",
    "encrypted": "The PDF is protected by a password. Upload a copy without it.",
    "legacy_word": "This is a Word file of the old format. Save it as .docx and upload that.",
    "scanned": "The PDF's pages are images without text. Upload a PDF with text, such as one that went through OCR.",
    "spreadsheet": "Tables are data, not a source. Upload CSV, Excel (.xlsx), Parquet or JSON Lines as a dataset.",
    "too_complex": "The file takes too much time or memory to read. Upload a smaller part of it.",
    "too_long": f"The file has more than {MAX_CHARACTERS:,} characters of text. Upload a part of it.",
    "unknown_type": "This type of file is not supported. Upload a PDF, Word (.docx), HTML, Markdown or text file.",
    "unreadable": "The file is damaged and cannot be read.",
}


class Refused(Exception):
    """`code` is a key of SENTENCES."""

    def __init__(self, code: str) -> None:
        super().__init__(SENTENCES[code])
        self.code = code
