"""The context windows of models: from the entry in OUTCRY_PROVIDERS, else from genai-prices' offline table."""

from functools import lru_cache
from typing import Final

from django.conf import settings

from conversations.providers.catalog import Provider, longest_answer
from conversations.providers.pricing import PRICED

# Tokens of what is sent beside the messages, and of the marks around them.
OVERHEAD: Final = 2_000
# However small a window is: the question and the request need so many.
LEAST: Final = 1_000


def most_prompt_tokens(provider: Provider) -> int:
    """Tokens that the prompt of a turn may have: at most OUTCRY_MAX_PROMPT_TOKENS, and as many as the model's window
    leaves beside the longest answer, if its window is known."""
    most: int = settings.OUTCRY_MAX_PROMPT_TOKENS
    size = provider.window or _published(provider.kind, provider.model)
    return most if size is None else min(most, max(LEAST, size - longest_answer(provider, {}) - OVERHEAD))


@lru_cache(maxsize=256)
def _published(kind: str, model: str) -> int | None:
    """The model's window in tokens; None if it is unknown."""
    if kind not in PRICED:
        return None
    # Imported here because it takes 0.3 s of CPU.
    from genai_prices import data_snapshot

    try:
        _, found = data_snapshot.get_snapshot().find_provider_model(model, None, PRICED[kind], None)
    except LookupError:
        return None
    return found.context_window
