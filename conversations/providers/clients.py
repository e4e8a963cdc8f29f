"""A turn's connection to its model: an AG2 configuration with an HTTP client of its own.

Closing that client is what ends a stream that is not wanted any more; AG2 leaves it open otherwise. OpenAI's streams
are read through aiohttp, as their library offers: many of them at once take a third less of the time.
"""

import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import httpx
import httpx2
from ag2.config import AnthropicConfig, GeminiConfig, ModelConfig, OllamaConfig
from django.conf import settings
from openai import DefaultAioHttpClient

from conversations.domain.errors import ProviderError
from conversations.local_model import supervisor
from conversations.providers import scripted
from conversations.providers.catalog import Provider, require_key
from conversations.providers.chunk_parser import QuickOpenAIConfig

# One packet that is lost on the way is sent again after one second.
CONNECT_SECONDS: Final = 1.5
OLLAMA_URL: Final = "http://127.0.0.1:11434"

# Silence is the turn's own matter: it knows the limits, and one of these libraries ignores its client's.
_TIMEOUT: Final = httpx.Timeout(None, connect=CONNECT_SECONDS)
_TIMEOUT2: Final = httpx2.Timeout(None, connect=CONNECT_SECONDS)


@dataclass(frozen=True)
class ModelCall:
    """What a client needs to know of a turn. `sampling` are keyword arguments for the local model's configuration; the
    role, the round and the topic choose the demo's text."""

    role: str
    round: int
    topic: str
    streaming: bool
    sampling: Mapping[str, Any]


@asynccontextmanager
async def connect(provider: Provider, call: ModelCall) -> AsyncIterator[ModelConfig]:
    """The configuration for one turn; leaving the context closes its connections.

    Raises ProviderError if the provider's key is missing, or the local model is not running."""
    key = require_key(provider)
    longest = settings.OUTCRY_MAX_ANSWER_TOKENS
    match provider.kind:
        case "demo":
            text = scripted.script(call.role, call.round, call.topic)
            yield scripted.ScriptedConfig(text, call.streaming, settings.OUTCRY_DEMO_TOKENS_PER_SECOND)
        case "openai":
            async with DefaultAioHttpClient(verify=tls(), timeout=_TIMEOUT2) as client:
                yield QuickOpenAIConfig(
                    provider.model,
                    api_key=key,
                    streaming=call.streaming,
                    max_completion_tokens=longest,
                    max_retries=0,
                    http_client=client,
                )
        case "openai-compatible":
            async with DefaultAioHttpClient(verify=tls(), timeout=_TIMEOUT2) as client:
                yield QuickOpenAIConfig(
                    provider.model,
                    api_key=key,
                    base_url=provider.url,
                    streaming=call.streaming,
                    max_tokens=longest,
                    max_retries=0,
                    http_client=client,
                )
        case "local":
            url = await supervisor.url()
            async with DefaultAioHttpClient(verify=tls(), timeout=_TIMEOUT2) as client:
                yield QuickOpenAIConfig(
                    provider.model,
                    api_key="none",
                    base_url=url,
                    streaming=call.streaming,
                    max_retries=0,
                    http_client=client,
                    **call.sampling,
                )
        case "anthropic":
            async with httpx2.AsyncClient(verify=tls(), timeout=_TIMEOUT2) as client:
                yield AnthropicConfig(
                    provider.model,
                    api_key=key,
                    streaming=call.streaming,
                    max_tokens=longest,
                    max_retries=0,
                    http_client=client,
                )
        case "gemini":
            async with httpx.AsyncClient(verify=tls(), timeout=_TIMEOUT) as client1:
                yield GeminiConfig(
                    provider.model,
                    api_key=key,
                    streaming=call.streaming,
                    max_output_tokens=longest,
                    http_client=client1,
                )
        case "ollama":
            async with httpx.AsyncClient(verify=tls(), timeout=_TIMEOUT) as client1:
                # The protocol asks for a files client, which Ollama has not.
                yield OllamaConfig(  # type: ignore[abstract]
                    provider.model,
                    host=os.environ.get("OLLAMA_HOST") or OLLAMA_URL,
                    streaming=call.streaming,
                    max_tokens=longest,
                    http_client=client1,
                )
        case other:
            raise ProviderError("provider_unknown", f"There is no provider of kind {other}.", retryable=False)


@cache
def tls() -> ssl.SSLContext:
    """What to trust."""
    # Once a process: reading the certificates takes 17 ms, and every turn would.
    return ssl.create_default_context()
