"""Tokens without a tokenizer: the range holds what real tokenizers count, and no count is above the bound."""

import json
from pathlib import Path
from typing import Any

import pytest

from conversations.prompts import tokens
from conversations.prompts.builder import Prompt
from conversations.prompts.quotation import quoted
from conversations.prompts.tokens import Measured

RECORDED = json.loads(Path(__file__).with_name("token_counts.json").read_text(encoding="utf-8"))
TEXTS: list[Any] = RECORDED["texts"]
TOKENIZERS = [*RECORDED["tokenizers"]]
KINDS = ["English", "Chinese", "Arabic", "CSV", "HTML"]
STAND_IN = ("openai-compatible", "stand-in")


def sent(text: str) -> str:
    return quoted(content_type="News", content=text)


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_range_holds_the_real_count_in_95_of_100_texts(tokenizer: str) -> None:
    assert len(TEXTS) == 100
    held = 0
    for each in TEXTS:
        found = tokens.estimate(sent(each["text"]))
        held += found.low <= each["tokens"][tokenizer] <= found.high
    assert held >= 95


@pytest.mark.parametrize("kind", KINDS)
def test_range_of_each_kind_is_narrow_enough_to_tell_something(kind: str) -> None:
    ranges = [tokens.estimate(sent(each["text"])) for each in TEXTS if each["kind"] == kind]
    # The vocabularies themselves differ by up to 1.4 times for English, and 3.2 times for Arabic.
    most = {"English": 2.0, "Chinese": 3.5, "Arabic": 5.5, "CSV": 3.0, "HTML": 2.5}[kind]
    assert all(found.high < most * found.low for found in ranges)


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_bound_is_above_every_real_count(tokenizer: str) -> None:
    for each in TEXTS:
        assert tokens.most([sent(each["text"])]) >= each["tokens"][tokenizer]


def test_bound_without_a_count_is_a_token_a_byte() -> None:
    assert tokens.most(["值" * 100]) == tokens.TEMPLATE_MARKS + tokens.MESSAGE_MARKS + 300


def test_bound_after_a_count_adds_the_bytes_of_what_is_new() -> None:
    measured, material = Measured(), "值得" * 5_000
    measured.learn(*STAND_IN, [material, "Your turn."], 7_000)
    bound = measured.most(*STAND_IN, "System.", [material, "Margins rose.", "Your turn."])
    assert 7_000 < bound < 7_300
    # Another model has another tokenizer.
    assert measured.most("openai", "gpt-4o-mini", "System.", [material]) > 30_000


def test_bound_after_a_count_of_another_text_stays_the_bytes() -> None:
    measured = Measured()
    measured.learn(*STAND_IN, ["值得" * 5_000], 7_000)
    assert measured.most(*STAND_IN, "System.", ["Short."]) == tokens.most(["System.", "Short."])


@pytest.mark.parametrize("count", [None, 0])
def test_count_that_is_not_known_lowers_no_bound(count: int | None) -> None:
    measured, material = Measured(), "值得" * 5_000
    measured.learn(*STAND_IN, [material], count)
    assert measured.most(*STAND_IN, "", [material]) == tokens.most(["", material])


def test_history_is_cut_by_script_and_keeps_material_and_newest() -> None:
    history = ["material", *(f"{place} {'值' * 100}" for place in range(9))]
    cut = Prompt("System.", history, "Your turn.").cut_to(500)
    assert [text[:2] for text in cut.history] == ["ma", "7 ", "8 "]
    # In English the same number of characters is a fourth.
    english = ["material", *("word " * 20 for _ in range(9))]
    assert len(Prompt("System.", english, "Your turn.").cut_to(500).history) == 10
