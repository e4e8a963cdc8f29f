"""The error table: exceptions of the providers' libraries, as our own errors."""

import json
from http.client import HTTPException

import aiohttp
import anthropic
import httpx
import httpx2
import openai
import pytest
from google.genai.errors import ClientError, ServerError
from ollama import ResponseError

from conversations.domain.errors import ProviderError
from conversations.providers.provider_errors import provider_error

REQUEST, REQUEST2 = httpx.Request("POST", "http://model"), httpx2.Request("POST", "http://model")


def caused_by(failure: Exception, cause: Exception) -> Exception:
    failure.__cause__ = cause
    return failure


def status(code: int, **headers: str) -> Exception:
    response = httpx2.Response(code, headers=headers, request=REQUEST2)
    return openai.APIStatusError("refused", response=response, body=None)


ERRORS: list[tuple[Exception, str, bool]] = [
    (status(400), "provider_rejected", False),
    (status(401), "provider_unauthorized", False),
    (status(403), "provider_forbidden", False),
    (status(404), "provider_unknown_model", False),
    (status(413), "provider_too_long", False),
    (status(418), "provider_rejected", False),
    (status(429), "provider_rate_limited", True),
    (status(500), "provider_down", True),
    (ResponseError("no such model", 404), "provider_unknown_model", False),
    (ClientError(401, {}), "provider_unauthorized", False),
    (ServerError(503, {}), "provider_down", True),
    (httpx.ConnectError("refused"), "provider_unreachable", True),
    (
        caused_by(openai.APIConnectionError(request=REQUEST2), httpx2.ConnectError("refused")),
        "provider_unreachable",
        True,
    ),
    (caused_by(openai.APITimeoutError(REQUEST2), ConnectionRefusedError()), "provider_unreachable", True),
    (caused_by(openai.APITimeoutError(REQUEST2), aiohttp.ClientConnectionError()), "provider_dropped", True),
    (caused_by(openai.APITimeoutError(REQUEST2), aiohttp.ServerTimeoutError()), "provider_timeout", True),
    (TimeoutError(), "provider_timeout", True),
    (httpx.ConnectTimeout("late"), "provider_timeout", True),
    (anthropic.APITimeoutError(REQUEST2), "provider_timeout", True),
    (httpx.RemoteProtocolError("cut"), "provider_dropped", True),
    (ConnectionResetError(), "provider_dropped", True),
    (openai.APIError("in the stream", REQUEST2, body=None), "provider_down", True),
    (json.JSONDecodeError("no JSON", "", 0), "provider_invalid_answer", True),
    (HTTPException("of no library we know"), "provider_failed", True),
]


@pytest.mark.parametrize(
    ("failure", "code", "retryable"), ERRORS, ids=[f"{type(each[0]).__name__} {each[1]}" for each in ERRORS]
)
def test_each_exception_has_its_code(failure: Exception, code: str, retryable: bool) -> None:
    error = provider_error(failure)
    assert (error.reason, error.retryable) == (code, retryable)


@pytest.mark.parametrize(("stated", "seconds"), [("7", 7.0), ("soon", None)])
def test_retry_after_is_read_in_seconds(stated: str, seconds: float | None) -> None:
    assert provider_error(status(429, **{"retry-after": stated})).retry_after == seconds


def test_provider_error_is_returned_as_it_is() -> None:
    failure = ProviderError("provider_empty", "It said nothing.", retryable=True)
    assert provider_error(failure) is failure
