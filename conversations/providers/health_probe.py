"""Health probe: sends a request to a silent provider's host, to distinguish a dead host from a slow model."""

import asyncio
import os
from typing import Final

import httpx2

from conversations.providers.catalog import OLLAMA_URL, Provider
from conversations.providers.clients import certificates

# Seconds after a request to which the model has not responded: when its host is probed, and when a host without a
# response counts as dead.
ASK_AFTER_SECONDS: Final = 0.7
DEAD_AFTER_SECONDS: Final = 1.8
_LATE_SECONDS: Final = 0.2

# For each kind: the variable that overrides its base URL, the default URL, and a path that works without a model.
_HOSTS: Final = {
    "openai": ("OPENAI_BASE_URL", "https://api.openai.com/v1", "/models"),
    "anthropic": ("ANTHROPIC_BASE_URL", "https://api.anthropic.com", "/v1/models"),
    "gemini": ("GOOGLE_GEMINI_BASE_URL", "https://generativelanguage.googleapis.com", "/v1beta/models"),
    "ollama": ("OLLAMA_HOST", OLLAMA_URL, "/api/version"),
}


def address(provider: Provider) -> str | None:
    """The URL to probe; None for the demo, which has no host, and the local model, whose process Outcry starts."""
    if provider.url is not None:
        base, mark, query = provider.url.partition("?")
        return f"{base.rstrip('/')}/models{mark}{query}"
    if provider.kind not in _HOSTS:
        return None
    variable, usual, path = _HOSTS[provider.kind]
    base = os.environ.get(variable) or usual
    return f"{base if '://' in base else f'http://{base}'}".rstrip("/") + path


async def is_alive(url: str) -> bool:
    """Whether the host sends any HTTP response before DEAD_AFTER_SECONDS have passed since the request."""
    loop = asyncio.get_running_loop()
    seconds = DEAD_AFTER_SECONDS - ASK_AFTER_SECONDS
    while True:
        asked = loop.time()
        try:
            # Read the status line only, because some lists of models are long.
            async with (
                asyncio.timeout(seconds),
                httpx2.AsyncClient(verify=certificates(), timeout=None) as client,
                client.stream("GET", url),
            ):
                return True
        except (httpx2.HTTPError, httpx2.InvalidURL):
            return False
        except TimeoutError:
            # If the timeout came late, this process was suspended or busy itself: probe again.
            if loop.time() - asked < seconds + _LATE_SECONDS:
                return False
