"""Prices: what is unknown is None and never 0."""

import pytest
from pytest_django import Settings

from conversations.domain.events import Usage
from conversations.providers import catalog, pricing

MILLION = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


@pytest.mark.parametrize(
    ("provider", "model", "dollars"),
    [
        # Public list prices a million tokens, in and out.
        ("openai", "gpt-4o-mini", 0.15 + 0.60),
        ("anthropic", "claude-3-5-haiku-20241022", 0.80 + 4.00),
        ("gemini", "gemini-2.5-flash", 0.30 + 2.50),
    ],
)
def test_a_known_model_has_its_public_price(provider: str, model: str, dollars: float) -> None:
    assert pricing.cost(provider, model, MILLION) == pytest.approx(dollars)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-of-tomorrow-x"),
        ("openai-compatible", "gpt-4o-mini"),
        ("ollama", "llama3.2"),
    ],
)
def test_an_unknown_price_is_none_and_not_zero(provider: str, model: str) -> None:
    assert pricing.cost(provider, model, MILLION) is None
    assert pricing.output_token_cost(provider, model) is None


@pytest.mark.parametrize("provider", ["local", "demo"])
@pytest.mark.parametrize("usage", [MILLION, Usage()])
def test_what_outcry_runs_itself_costs_nothing(provider: str, usage: Usage) -> None:
    assert pricing.cost(provider, "any", usage) == 0


def test_a_price_of_the_settings_comes_first(settings: Settings) -> None:
    settings.OUTCRY_PRICES = {"openai:gpt-4o-mini": (1.0, 2.0), "ollama:llama3.2": (0.0, 0.5)}
    assert pricing.cost("openai", "gpt-4o-mini", MILLION) == 3.0
    assert pricing.cost("ollama", "llama3.2", MILLION) == 0.5
    assert pricing.cost("ollama", "llama3.2", Usage(input_tokens=5)) is None
    assert pricing.cost("ollama", "another", MILLION) is None


@pytest.mark.parametrize(
    "name", ["gpt-4o-mini", "openai", "local:x", "chatgpt:x", "openai-compatible:m@http://h/v1"]
)
def test_a_price_that_names_no_model_stops_the_start(settings: Settings, name: str) -> None:
    settings.OUTCRY_PRICES = {name: (1.0, 2.0), "gemini:gemini-2.5-flash": (1.0, 2.0)}
    [error] = catalog.check_prices()
    assert "OUTCRY_PRICES" in error.msg
    assert repr(name) in error.msg


@pytest.mark.parametrize("usage", [Usage(), Usage(input_tokens=5), Usage(output_tokens=5)])
def test_an_unknown_count_makes_the_price_unknown(usage: Usage) -> None:
    assert pricing.cost("openai", "gpt-4o-mini", usage) is None


def test_no_tokens_cost_nothing() -> None:
    assert pricing.cost("openai", "gpt-4o-mini", Usage(input_tokens=0, output_tokens=0)) == 0


def test_an_output_token_has_a_price_of_its_own() -> None:
    assert pricing.output_token_cost("openai", "gpt-4o-mini") == pytest.approx(0.60 / 1_000_000)
