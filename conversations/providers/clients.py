"""A turn's connection to its model: an AG2 configuration with an HTTP client of its own.

Closing the client ends an abandoned stream, which AG2 would leave open. OpenAI's streams are read with aiohttp, an
option of their library: concurrent streams take a third less CPU than with HTTPX.
"""

import os
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import httpx
import httpx2
from ag2.config import AnthropicConfig, GeminiConfig, ModelConfig, OllamaConfig, OpenAIConfig
from ag2.config.openai.openai_client import OpenAIClient
from django.conf import settings
from openai import DefaultAioHttpClient
from openai.types.chat import ChatCompletionChunk
from pydantic import ValidationError

from conversations.domain.errors import ProviderError
from conversations.local_model import supervisor
from conversations.providers import catalog, scripted
from conversations.providers.catalog import Provider

# 1.5 s: long enough for one TCP SYN retransmission (1 s).
CONNECT_SECONDS: Final = 1.5
# No read timeout: the turn limits the silence, because one of these libraries ignores its client's timeout.
_TIMEOUT: Final = httpx.Timeout(None, connect=CONNECT_SECONDS)
_TIMEOUT2: Final = httpx2.Timeout(None, connect=CONNECT_SECONDS)


@dataclass(frozen=True)
class ModelCall:
    """One call of a turn. `sampling` are keyword arguments for the local model's configuration; the role, the round
    (1, 2, ...) and the topic choose the demo's text."""

    role: str
    round: int
    topic: str
    streaming: bool
    sampling: Mapping[str, Any]


class QuickOpenAIConfig(OpenAIConfig):
    """An OpenAIConfig whose client parses valid chunks by pydantic's compiled code, and all others as the library does.

    The library builds each chunk field by field in Python, which was half of this server's CPU under load."""

    def create(self) -> OpenAIClient:
        # Not super(), which does not work in a dataclass with slots, because that is a copy of the class.
        client = OpenAIConfig.create(self)
        library = client._client
        read = library._process_response_data

        def read_quickly(*, data: object, cast_to: Any, response: Any) -> Any:
            if cast_to is ChatCompletionChunk:
                try:
                    return ChatCompletionChunk.model_validate(data)
                except ValidationError:
                    # Some servers omit required fields, which the library tolerates.
                    pass
            return read(data=data, cast_to=cast_to, response=response)

        library._process_response_data = read_quickly  # type: ignore[method-assign]
        return client


def warm_up() -> None:
    """Load modules and types for which the first turn would otherwise wait about 0.1 s."""
    library = QuickOpenAIConfig("none", api_key="none").create()._client
    library.chat.completions  # noqa: B018 (loaded at its first use)
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": None}
    chunk = {"id": "", "object": "chat.completion.chunk", "created": 0, "model": "", "choices": [choice]}
    ChatCompletionChunk.model_validate(chunk)


@cache
def certificates() -> ssl.SSLContext:
    """A TLS context with the system's CA certificates. Cached, because it takes 17 ms and every turn makes a
    connection."""
    return ssl.create_default_context()


@asynccontextmanager
async def connect(provider: Provider, call: ModelCall) -> AsyncIterator[ModelConfig]:
    """The configuration for one turn; leaving the context closes its connections.

    Raises ProviderError if the provider's key is missing, or the local model is not running."""
    async with _http_client(provider) as client:
        yield await _config(provider, call, client)


def _http_client(provider: Provider) -> AbstractAsyncContextManager[Any]:
    match provider.kind:
        case "openai" | "openai-compatible" | "local":
            return _aiohttp_client()
        case "anthropic":
            return httpx2.AsyncClient(verify=certificates(), timeout=_TIMEOUT2)
        case "gemini" | "ollama":
            return httpx.AsyncClient(verify=certificates(), timeout=_TIMEOUT)
    return nullcontext()


@asynccontextmanager
async def _aiohttp_client() -> AsyncIterator[Any]:
    # Closing the client closes no response, and the garbage collector warns of the connection of an unread one.
    client = DefaultAioHttpClient(verify=certificates(), timeout=_TIMEOUT2)
    async with client, AsyncExitStack() as responses:

        async def close_at_the_end(response: httpx2.Response) -> None:
            responses.push_async_callback(response.aclose)

        client.event_hooks = {"response": [close_at_the_end]}
        yield client


async def _config(provider: Provider, call: ModelCall, client: Any) -> ModelConfig:
    key = catalog.require_key(provider)
    most: int = settings.OUTCRY_MAX_ANSWER_TOKENS
    options = {"streaming": call.streaming, "http_client": client}
    # No retries: the turn retries itself, with another provider if there is one.
    openai: Callable[..., ModelConfig] = partial(QuickOpenAIConfig, provider.model, max_retries=0, **options)
    match provider.kind:
        case "demo":
            text = scripted.script(call.role, call.round, call.topic)
            return scripted.ScriptedConfig(text, call.streaming, settings.OUTCRY_DEMO_TOKENS_PER_SECOND)
        case "openai":
            return openai(api_key=key, max_completion_tokens=most)
        case "openai-compatible":
            return openai(api_key=key, base_url=provider.url, max_tokens=most)
        case "local":
            return openai(api_key="none", base_url=await supervisor.url(), **call.sampling)
        case "anthropic":
            return AnthropicConfig(provider.model, api_key=key, max_tokens=most, max_retries=0, **options)
        case "gemini":
            return GeminiConfig(provider.model, api_key=key, max_output_tokens=most, **options)
        case "ollama":
            host = os.environ.get("OLLAMA_HOST") or catalog.OLLAMA_URL
            # The protocol requires a files client, which Ollama lacks.
            return OllamaConfig(provider.model, host=host, max_tokens=most, **options)  # type: ignore[abstract]
    raise ProviderError("provider_unknown", f"There is no provider of kind {provider.kind}.", retryable=False)
