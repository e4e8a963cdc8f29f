"""People's texts, as they are stored."""

from typing import Any

import pytest

from conversations.domain.errors import InvalidInput
from conversations.domain.requests import Form, Input, NewConversation, NewKey
from conversations.domain.texts import first_sentence, has_visible_character

INVISIBLE = [
    "\u200b\ufeff\u2060",
    "\u00ad",
    "\u202e\u2066",
    "\u0301",
    "\u3164",
    "\u2800",
    "\x1b\u200b",
    "\ue000",
]


def test_line_ends_of_a_content_all_become_the_same() -> None:
    content = "a\r\nb\rc\vd\fe\x85f\u2028g\u2029h\ni"
    stored = NewConversation.parse({"topic": "Buy?", "content": content})
    assert stored.content == "\n".join("abcdefghi")


def test_a_name_is_one_line_whatever_was_sent() -> None:
    stored = NewKey.parse({"name": "nightly\r\n\u2028build\t2", "scopes": ["watch"]})
    assert stored.name == "nightly  build 2"


def test_control_characters_are_left_out_of_texts() -> None:
    stored = Input.parse({"text": "a\x1b[31mb\x07\x9b\x7f\tc"})
    assert stored.text == "a[31mb\tc"
    assert NewKey.parse({"name": "ci\x1b]0;x\x07", "scopes": ["watch"]}).name == "ci]0;x"


def test_texts_of_other_scripts_are_stored_unchanged() -> None:
    text = "קנה؟ 買\u200d👩\u200d🔬 e\u0301 \u2067مرحبا\u2069"
    assert Input.parse({"text": text}).text == text


@pytest.mark.parametrize("text", INVISIBLE, ids=ascii)
@pytest.mark.parametrize(
    ("form", "values", "field"),
    [
        (NewConversation, {}, "topic"),
        (NewConversation, {"topic": "Buy?"}, "content"),
        (Input, {}, "text"),
        (NewKey, {"scopes": ["watch"]}, "name"),
    ],
)
def test_a_text_without_visible_characters_is_refused(
    form: type[Form], values: dict[str, Any], field: str, text: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        form.parse({**values, field: text})
    [problem] = refused.value.problems
    assert (problem.field, problem.rule, problem.message) == (
        field,
        "invisible",
        "Enter at least one visible character.",
    )


@pytest.mark.parametrize("text", ["a", "買", "?", "5", "💸", "\u200b.\u200b", "e\u0301", "$"])
def test_a_text_with_any_drawn_character_is_visible(text: str) -> None:
    assert has_visible_character(text)


SENTENCES = [
    (
        "Revenue grew by 3.5% in the U.S. and Asia. Margins fell.",
        "Revenue grew by 3.5% in the U.S. and Asia.",
    ),
    ("Apple Inc. Reports Record Revenue! Buy?", "Apple Inc. Reports Record Revenue!"),
    ("\n---\n\n## **Q3** results\nRevenue grew.", "Q3 results"),
    ("> - Revenue\ngrew while margins fell\n\nNext", "Revenue grew while margins fell"),
    ("-5% in a day", "-5% in a day"),
    ('He said "buy." Nobody did.', 'He said "buy."'),
    ("\u8425\u6536\u589e\u957f\u3002\u5229\u6da6\u4e0b\u964d\u3002", "\u8425\u6536\u589e\u957f\u3002"),
    ("word " * 41, "word " * 39 + "word\u2026"),
    ("x" * 201, "x" * 199 + "\u2026"),
    ("---\n\n***", ""),
]


@pytest.mark.parametrize(("text", "sentence"), SENTENCES)
def test_first_sentence_of_a_text_is_found(text: str, sentence: str) -> None:
    assert first_sentence(text) == sentence


def test_question_is_taken_from_the_content_where_there_is_none() -> None:
    assert NewConversation.parse({"content": "Margins fell. Sell?"}).topic == "Margins fell."
    assert NewConversation.parse({"topic": " ", "content": "Margins fell. Sell?"}).topic == "Margins fell."
    with pytest.raises(InvalidInput) as refused:
        NewConversation.parse({"content": "---"})
    assert [problem.field for problem in refused.value.problems] == ["topic"]


def test_a_message_to_nobody_in_particular_may_say_so() -> None:
    assert Input.parse({"text": "What of the debt?", "to": None}).to is None
    with pytest.raises(InvalidInput):
        Input.parse({"text": "What of the debt?", "to": "risk\0"})
