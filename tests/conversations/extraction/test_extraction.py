"""The text of uploaded files, and files that are refused, in the process that reads them."""

import resource
import subprocess
import sys
import tempfile
from typing import Any

import pytest

from conversations.domain.sources import MAX_CHARACTERS, SourceText, SourceType
from conversations.extraction import process
from conversations.extraction.__main__ import CPU_SECONDS, MEMORY_BYTES, extracted
from conversations.extraction.refusals import Refused
from tests.support import files
from tests.support.servers import ROOT

PAGE = """\
<!DOCTYPE html><html><head><title>No text</title><style>p {}</style></head><body>
<script>steal()</script><h1>Annual   report</h1><p>Revenue <b>grew</b>
by&nbsp;3%.<br>Margins fell.</p>
<table><tr><td><table>
<tr><th>Year</th><th></th><th colspan=2>2025</th><th>2024</th></tr>
<tr><td><p>Revenue</p></td><td> </td><td>$</td><td>1,234</td><td></td></tr>
</table></td></tr></table><ul><li>one</li><li><p>two</p></li></ul></body></html>"""
PAGE_TEXT = """\
# Annual report

Revenue grew by 3%.

Margins fell.

| Year | 2025 |  | 2024 |
| Revenue | $ | 1,234 |  |

- one

- two"""
WORD = files.word(heading="Results", paragraph="Revenue grew.", rows=[("Year", "2025"), ("Revenue", "5")])

READ: list[tuple[bytes, str, str, str]] = [
    (b"Revenue grew.\r\n\x1bMargins fell.", "a.pdf", "text", "Revenue grew.\nMargins fell."),
    ("Umsatz stieg um 3 €.".encode("cp1252"), "a", "text", "Umsatz stieg um 3 €."),
    ("Umsatz € 営業収入".encode("utf-16"), "a", "text", "Umsatz € 営業収入"),
    (b"# Results\n\nRevenue grew.", "a.txt", "markdown", "# Results\n\nRevenue grew."),
    (b"First, costs rose, and fell.\nThen, sales rose, too.\nSo, buy, or not.", "a", "text", ""),
    (PAGE.encode(), "report.txt", "html", PAGE_TEXT),
    (WORD, "a.bin", "docx", "# Results\n\nRevenue grew.\n\n| Year | 2025 |\n| Revenue | 5 |"),
]


@pytest.mark.parametrize(("data", "name", "type_", "text"), READ)
def test_text_and_type_are_told_by_the_bytes(data: bytes, name: str, type_: str, text: str) -> None:
    found = extracted(data, name)
    assert (found["type"], found["pages"]) == (type_, [])
    assert found["text"] == (text or data.decode())


def test_pages_of_a_pdf_are_kept() -> None:
    found = extracted(files.pdf("Revenue grew.", "Margins fell."), "a.txt")
    source = SourceText("a", found["text"], tuple(found["pages"]))
    assert (found["type"], source.texts_of_pages()) == ("pdf", ["Revenue grew.", "Margins fell."])


REFUSED: list[tuple[str, bytes, str]] = [
    ("encrypted", files.pdf("Secret.", is_encrypted=True), "a.pdf"),
    ("scanned", files.pdf("1", "2", has_image=True), "a.pdf"),
    ("scanned", files.pdf(""), "a.pdf"),
    ("unreadable", b"%PDF-1.7 that is all", "a.pdf"),
    ("unreadable", b"PK\x03\x04 that is all", "a.docx"),
    ("unreadable", files.archive(word__document_xml=b"<no"), "a.docx"),
    ("spreadsheet", files.archive(xl__workbook_xml=b""), "a.pdf"),
    ("spreadsheet", b"Date,Open,Close\n2026-01-01,1,2\n2026-01-02,2,3", "a.txt"),
    ("spreadsheet", b"a", "a.CSV"),
    ("legacy_word", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.doc"),
    ("unknown_type", files.archive(anything_txt=b"x"), "a.zip"),
    ("unknown_type", b"\x89PNG\r\n\x1a\n\x00", "a.png"),
    ("unknown_type", b"<?xml version='1.0'?><svg/>", "a.svg"),
    ("empty", b" \n", "a.txt"),
    ("empty", b"<html><script>x</script></html>", "a.html"),
    ("too_long", b"x" * (MAX_CHARACTERS + 1), "a.txt"),
]


@pytest.mark.parametrize(("code", "data", "name"), REFUSED, ids=lambda value: str(value)[:20])
def test_file_without_usable_text_is_refused(code: str, data: bytes, name: str) -> None:
    with pytest.raises(Refused) as refused:
        extracted(data, name)
    assert refused.value.code == code
    assert str(refused.value).endswith(".")


def in_process(data: bytes, name: str = "a") -> tuple[SourceType, SourceText]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return process.extract(file, name)


def test_text_comes_back_from_the_process() -> None:
    type_, source = in_process(files.pdf("Revenue grew.", "Margins fell."), "-q3 \u20ac.pdf")
    assert (type_, source) == ("pdf", SourceText("-q3 \u20ac.pdf", "Revenue grew.\n\nMargins fell.", (0, 15)))


def test_bomb_in_a_word_file_is_refused() -> None:
    bomb = files.archive(word__document_xml=b"<a>" + b"x" * (201 << 20))
    assert len(bomb) < 1 << 20
    with pytest.raises(Refused) as refused:
        in_process(bomb)
    assert refused.value.code == "too_complex"


def test_process_has_bounds_and_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    told: dict[str, Any] = {}
    run = subprocess.run

    def noted(command: list[str], **options: Any) -> Any:
        told.update(options, command=command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", noted)
    in_process(b"Revenue grew.")
    assert (told["command"][0], {*told["env"]}) == (sys.executable, {"PYTHONUTF8"})
    asked = (
        "import resource; from conversations.extraction.__main__ import bound; bound();"
        "print([resource.getrlimit(limit) for limit in (resource.RLIMIT_AS, resource.RLIMIT_CPU)])"
    )
    shown = run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shown.strip() == str([(MEMORY_BYTES, MEMORY_BYTES), (CPU_SECONDS, CPU_SECONDS)])
    assert resource.getrlimit(resource.RLIMIT_CPU) != (CPU_SECONDS, CPU_SECONDS)


def test_process_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SECONDS", 0.01)
    with pytest.raises(Refused) as refused:
        in_process(b"Revenue grew.")
    assert refused.value.code == "too_complex"
