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
from urllib.parse import parse_qsl

import httpx
import httpx2
from ag2.config import LLMClient, ModelConfig
from django.conf import settings
from openai import AsyncOpenAI, DefaultAioHttpClient

from conversations.domain.errors import ProviderError
from conversations.local_model import supervisor
from conversations.providers import catalog, scripted
from conversations.providers.adaptive_client import AdaptiveConfig
from conversations.providers.catalog import Provider
from conversations.providers.chat_client import ChatClient
from conversations.providers.local_client import LocalClient
from conversations.providers.request_form import CHAT_KINDS, RequestForm

# 1.5 s: long enough for one TCP SYN retransmission (1 s).
CONNECT_SECONDS: Final = 1.5
# No read timeout: the turn limits the silence, because one of these libraries ignores its client's timeout.
_TIMEOUT: Final = httpx.Timeout(None, connect=CONNECT_SECONDS)
_TIMEOUT2: Final = httpx2.Timeout(None, connect=CONNECT_SECONDS)


@dataclass(frozen=True)
class ModelCall:
    """The calls of a turn. `sampling` are the local model's own parameters; the role, the round
    (1, 2, ...) and the topic choose the demo's text, `streaming` its pace. `on_whole` is called before each request for
    an answer in one piece, which a server is asked for if it refuses streams. `temperature` is None for the model's
    own; the local model has its own in any case."""

    role: str
    round: int
    topic: str
    streaming: bool
    sampling: Mapping[str, Any]
    on_whole: Callable[[], None]
    temperature: float | None = None


def warm_up() -> None:
    """Load modules and types for which the first turn would otherwise wait about 0.1 s."""
    AsyncOpenAI(api_key="none").chat.completions.with_streaming_response  # noqa: B018 (loaded at its first use)


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


async def _config(provider: Provider, call: ModelCall, http: Any) -> ModelConfig:
    key = catalog.require_key(provider)
    if provider.kind == "demo":
        text = scripted.script(call.role, call.round, call.topic)
        return scripted.ScriptedConfig(text, call.streaming, settings.OUTCRY_DEMO_TOKENS_PER_SECOND)
    if provider.kind in CHAT_KINDS:
        library = await _library(provider, key, http)
        own = None if provider.kind == "local" else call.temperature
        return AdaptiveConfig(provider, partial(_chat_client, library, call), call.on_whole, own)
    if provider.kind in {"anthropic", "gemini", "ollama"}:
        return AdaptiveConfig(provider, partial(_own_client, key, http), call.on_whole, call.temperature)
    raise ProviderError("provider_unknown", f"There is no provider of kind {provider.kind}.", retryable=False)


async def _library(provider: Provider, key: str | None, http: Any) -> AsyncOpenAI:
    url, query = provider.url, {}
    if provider.kind == "local":
        url, key = await supervisor.url(), "none"
    elif url is not None and "?" in url:
        # Azure's version, or the key of a proxy. The library would put the path behind them.
        url, _, options = url.partition("?")
        query = dict(parse_qsl(options, keep_blank_values=True))
    # No retries: the turn retries itself, with another provider if there is one.
    return AsyncOpenAI(api_key=key, base_url=url, default_query=query, max_retries=0, http_client=http)


def _chat_client(library: AsyncOpenAI, call: ModelCall, form: RequestForm) -> LLMClient:
    # The sampling's `extra_body` has parameters that the library does not know; here they stand beside the others.
    sampling = {**call.sampling}
    others = sampling.pop("extra_body", {})
    request: dict[str, Any] = {
        "model": form.provider.model,
        "stream": form.is_streamed,
        **sampling,
        **others,
    }
    most = request.pop("max_tokens", settings.OUTCRY_MAX_ANSWER_TOKENS)
    if (name := form.limit_name) is not None:
        request[name] = most
    if form.sent_temperature is not None:
        request["temperature"] = form.sent_temperature
    if form.sends_stream_options:
        request["stream_options"] = {"include_usage": True}
    client = LocalClient if form.provider.kind == "local" else ChatClient
    return client(library, request, json_object=form.sends_json_object)


def _own_client(key: str | None, http: Any, form: RequestForm) -> LLMClient:
    """AG2's client for a provider with a protocol of its own, whose SDK is imported only where it is used."""
    model = form.provider.model
    most: int = settings.OUTCRY_MAX_ANSWER_TOKENS
    options: dict[str, Any] = {"streaming": form.is_streamed, "http_client": http}
    limit = most if form.sends_limit else None
    if (temperature := form.sent_temperature) is not None and form.provider.kind != "gemini":
        options["temperature"] = temperature
    match form.provider.kind:
        case "anthropic":
            from ag2.config.anthropic import AnthropicConfig

            return AnthropicConfig(model, api_key=key, max_tokens=most, max_retries=0, **options).create()
        case "gemini":
            from ag2.config.gemini.gemini_client import CreateConfig

            from conversations.providers.gemini_client import CheckedGeminiClient

            created = CreateConfig(max_output_tokens=limit)
            if temperature is not None:
                created["temperature"] = temperature
            return CheckedGeminiClient(model, key, vertexai=False, create_config=created, **options)
    from ag2.config.ollama import OllamaConfig

    host = os.environ.get("OLLAMA_HOST") or catalog.OLLAMA_URL
    # The protocol requires a files client, which Ollama lacks.
    return OllamaConfig(model, host=host, max_tokens=limit, **options).create()  # type: ignore[abstract]
