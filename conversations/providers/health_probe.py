"""Whether a provider's host is there at all: what tells a dead one from a slow one."""

import asyncio
import os
from typing import Final

import httpx2

from conversations.providers.catalog import Provider
from conversations.providers.clients import OLLAMA_URL, tls

# Without an answer from the model for so long, its host is asked whether it is there; and so long after the request it
# is taken for dead if it has not said so.
ASK_AFTER_SECONDS: Final = 0.7
DEAD_AFTER_SECONDS: Final = 1.8
_LATE_SECONDS: Final = 0.2

# Where each kind is, unless its library is told otherwise by the environment; and what answers there.
_HOSTS: Final = {
    "openai": ("OPENAI_BASE_URL", "https://api.openai.com/v1", "/models"),
    "anthropic": ("ANTHROPIC_BASE_URL", "https://api.anthropic.com", "/v1/models"),
    "gemini": ("GOOGLE_GEMINI_BASE_URL", "https://generativelanguage.googleapis.com", "/v1beta/models"),
    "ollama": ("OLLAMA_HOST", OLLAMA_URL, "/api/version"),
}


def address(provider: Provider) -> str | None:
    """What to ask of its host; None for kinds that have none, or whose process we keep ourselves."""
    if provider.url is not None:
        base, mark, query = provider.url.partition("?")
        return f"{base.rstrip('/')}/models{mark}{query}"
    if provider.kind not in _HOSTS:
        return None
    variable, usual, path = _HOSTS[provider.kind]
    base = os.environ.get(variable) or usual
    return f"{base if '://' in base else f'http://{base}'}".rstrip("/") + path


async def is_alive(url: str) -> bool:
    """Whether the host answers, whatever it says, in the time that is left to it."""
    loop = asyncio.get_running_loop()
    seconds = DEAD_AFTER_SECONDS - ASK_AFTER_SECONDS
    while True:
        asked = loop.time()
        try:
            async with asyncio.timeout(seconds):
                return await _answers(url)
        except TimeoutError:
            # Where this process itself did nothing for a while, its clock tells nothing of the host.
            if loop.time() - asked < seconds + _LATE_SECONDS:
                return False


async def _answers(url: str) -> bool:
    try:
        # Its first line is enough: some lists of models are long.
        async with httpx2.AsyncClient(verify=tls(), timeout=None) as client, client.stream("GET", url):
            return True
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return False
