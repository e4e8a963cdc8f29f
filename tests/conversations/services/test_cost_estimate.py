"""What a debate will take, estimate before it starts."""

import pytest
from pytest_django import Settings

from conversations.domain import requests
from conversations.domain.budget_guard import VERDICT_BYTES
from conversations.domain.panels import FINANCIAL_DEBATE
from conversations.domain.requests import NewConversation
from conversations.providers import catalog
from conversations.providers.catalog import Provider
from conversations.services import cost_estimate
from conversations.services.cost_estimate import Estimate, question_of

PRICED = catalog.parse("openai:gpt-4o-mini")
LOCAL = catalog.parse("local")


def new(**values: object) -> NewConversation:
    return requests.NewConversation.parse(
        {"topic": "Is Tarnwick worth buying?", "panel": "financial-debate", **values}
    )


def estimated(form: NewConversation, provider: Provider) -> Estimate:
    return cost_estimate.estimate(form, question_of(form), provider, FINANCIAL_DEBATE)


def test_it_is_a_range_of_tokens_and_money() -> None:
    estimate = estimated(new(), PRICED)
    assert estimate.provider == "openai:gpt-4o-mini"
    assert 0 < estimate.tokens.low < estimate.tokens.high
    assert estimate.usd is not None
    assert 0 < estimate.usd.low < estimate.usd.high
    # Two rounds of a small model: cents, not dollars.
    assert estimate.usd.high < 0.05


@pytest.mark.parametrize("entry", ["local", "demo"])
def test_what_outcry_runs_itself_costs_nothing(entry: str) -> None:
    assert estimated(new(), catalog.parse(entry)).usd == cost_estimate.Range(0.0, 0.0)


@pytest.mark.parametrize("entry", ["ollama:llama3.2", "openai-compatible:m@http://127.0.0.1/v1"])
def test_a_price_that_nobody_knows_is_none(entry: str) -> None:
    estimate = estimated(new(), catalog.parse(entry))
    assert estimate.usd is None
    assert estimate.tokens.low > 0


def test_each_turn_is_paid_for_what_was_said_before() -> None:
    one, two, four = (estimated(new(rounds=rounds), PRICED).tokens.high for rounds in (1, 2, 4))
    # More than twice: each prompt carries all that was said.
    assert four - two > 2 * (two - one)


def test_the_content_is_in_every_prompt() -> None:
    short, long = (estimated(new(rounds=1, content=text), PRICED) for text in ("", "word " * 1_000))
    # Three speakers and the Moderator read 1,000 tokens each.
    assert 3_500 < long.tokens.low - short.tokens.low <= 4_000
    assert 4_000 <= long.tokens.high - short.tokens.high < 7_000


def test_long_history_counts_as_far_as_models_are_sent_it(settings: Settings) -> None:
    free = estimated(new(rounds=6), PRICED)
    settings.OUTCRY_MAX_PROMPT_TOKENS = 1_000
    cut = estimated(new(rounds=6), PRICED)
    assert cut.tokens.high < 0.8 * free.tokens.high
    # Of the material, three quarters of that are left.
    material = estimated(new(content="word " * 5_000), PRICED)
    assert 0.5 * 750 < material.reading.read / len("word ") < 750


def test_chinese_counts_more_than_english_of_the_same_length() -> None:
    chinese, english = (estimated(new(content=text), PRICED) for text in ("值得" * 2_000, "word " * 800))
    # 4,000 characters for seven calls, of which vocabularies make 2,480 to 7,800 tokens.
    assert chinese.tokens.low > 7 * 2_480
    assert chinese.tokens.high > 7 * 7_800
    assert english.tokens.high < chinese.tokens.high / 2


def test_an_answer_is_no_longer_than_it_may_be(settings: Settings) -> None:
    free = estimated(new(), PRICED)
    settings.OUTCRY_MAX_ANSWER_TOKENS = 16
    bound = estimated(new(), PRICED)
    assert bound.tokens.high < free.tokens.low


def test_the_local_model_says_little() -> None:
    assert estimated(new(), LOCAL).tokens.high < estimated(new(), PRICED).tokens.low


@pytest.mark.parametrize("provider", [PRICED, LOCAL], ids=lambda provider: provider.kind)
def test_first_and_last_are_one_turn_and_a_verdict(provider: Provider) -> None:
    first, last = cost_estimate.first_and_last(question_of(new()), provider, FINANCIAL_DEBATE)
    assert (first.provider, first.model) == (last.provider, last.model) == (provider.kind, provider.model)
    # The first at the most, and the last with it as is to be expected.
    assert first.input_tokens > 200
    assert 0 < last.input_tokens < 2 * first.input_tokens + first.output_tokens + VERDICT_BYTES
    assert last.output_tokens == first.output_tokens
