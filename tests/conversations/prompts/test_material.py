"""How much of content and sources fits in a prompt."""

from itertools import pairwise

import pytest
from pytest_django import Settings

from conversations.domain.events import TextRead
from conversations.domain.sources import SourceText
from conversations.prompts import material
from conversations.prompts.material import DebateQuestion
from conversations.providers.catalog import parse
from conversations.providers.windows import OVERHEAD, most_prompt_tokens

PAGE = "Revenue grew over the quarter, but margins fell as costs rose. " * 40
REPORT = SourceText("report.pdf", PAGE * 10, tuple(range(0, len(PAGE) * 10, len(PAGE))))
NOTE = SourceText("note.txt", "Debt doubled.")
QUESTION = DebateQuestion("Sell?", "Margins fell. " * 2_000, "text", 2, sources=(NOTE, REPORT))


def test_what_fits_is_left_as_it_is() -> None:
    assert material.fitted(QUESTION, material.tokens(QUESTION)) == (QUESTION, ())


@pytest.mark.parametrize("most", [300, 1_000, 4_000, 10_000])
def test_long_texts_share_what_short_ones_leave(most: int) -> None:
    shorter, read = material.fitted(QUESTION, most)
    assert 0.8 * most < material.tokens(shorter) <= most
    content, note, report = read
    assert note == TextRead(source="note.txt", characters=13, read=13)
    assert (content.source, content.characters, content.read) == (
        None,
        len(QUESTION.content),
        len(shorter.content),
    )
    assert report.read == len(shorter.sources[1].text)
    for whole, cut in pairwise((QUESTION.content, shorter.content)):
        assert whole.startswith(cut)
    pages = shorter.sources[1].texts_of_pages()
    assert pages
    assert all(PAGE.startswith(page) for page in pages)


def test_beginnings_are_read_in_order() -> None:
    assert [text.read for text in material.beginnings(QUESTION, 28_010)] == [28_000, 10, 0]
    assert material.beginnings(DebateQuestion("Sell?", "Short.", "text", 2), 600) == ()


def test_prompt_keeps_to_the_smaller_of_window_and_setting(settings: Settings) -> None:
    settings.OUTCRY_MAX_PROMPT_TOKENS = 1_000_000
    settings.OUTCRY_MAX_ANSWER_TOKENS = 4_000
    room = 4_000 + OVERHEAD
    assert most_prompt_tokens(parse("openai:gpt-4o-mini")) == 128_000 - room
    assert most_prompt_tokens(parse("openai:gpt-4o-mini?window=16000")) == 16_000 - room
    assert most_prompt_tokens(parse("openai-compatible:m@http://h/v1?window=16000")) == 16_000 - room
    assert most_prompt_tokens(parse("ollama:nobody-knows")) == 1_000_000
    assert most_prompt_tokens(parse("ollama:tiny?window=2000")) == 1_000
    settings.OUTCRY_MAX_PROMPT_TOKENS = 5_000
    assert most_prompt_tokens(parse("openai:gpt-4o-mini")) == 5_000


@pytest.mark.parametrize("window", ["1999", "x", "-5000", "8e3"])
def test_wrong_window_is_refused(window: str) -> None:
    with pytest.raises(ValueError, match="window"):
        parse(f"openai:m?window={window}")
