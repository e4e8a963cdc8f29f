"""Prices of tokens in US dollars: from OUTCRY_PRICES, else from genai-prices' offline table.

An unknown price is None, never 0; what Outcry itself runs costs 0."""

from functools import lru_cache
from typing import Final

from django.conf import settings

from conversations.domain.events import Usage
from conversations.providers.catalog import BUILT_IN

# genai-prices' names of our provider kinds. Other kinds have no public price.
PRICED: Final = {"openai": "openai", "anthropic": "anthropic", "gemini": "google"}


def cost(provider: str, model: str, usage: Usage) -> float | None:
    """The price of a call, or None if the model's price or a token count is unknown."""
    if provider in BUILT_IN:
        return 0.0
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    if (own := settings.OUTCRY_PRICES.get(f"{provider}:{model}")) is not None:
        return (usage.input_tokens * own[0] + usage.output_tokens * own[1]) / 1_000_000
    if provider not in PRICED:
        return None
    # Imported here because it takes 0.3 s of CPU, when the first price is needed.
    import genai_prices

    tokens = genai_prices.Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
    try:
        price = genai_prices.calc_price(tokens, model_ref=model, provider_id=PRICED[provider])
    except LookupError:
        return None
    return float(price.total_price)


@lru_cache(maxsize=256)
def output_token_cost(provider: str, model: str) -> float | None:
    """The price of one output token, for running estimates, or None if it is unknown."""
    return cost(provider, model, Usage(input_tokens=0, output_tokens=1))
