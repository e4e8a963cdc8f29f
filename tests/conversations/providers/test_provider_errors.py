"""The error table: exceptions of the providers' libraries, as our own errors."""

import json
import re
from http.client import HTTPException
from typing import Any

import aiohttp
import anthropic
import httpx
import httpx2
import openai
import pytest
from google.genai.errors import ClientError, ServerError
from ollama import ResponseError

from conversations.domain.errors import ProviderError
from conversations.providers.chat_chunks import ErrorInAnswer
from conversations.providers.provider_errors import provider_error
from tests.support.servers import ROOT

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


def said(code: int, body: Any) -> Exception:
    response = httpx2.Response(code, request=REQUEST2)
    return openai.APIStatusError("refused", response=response, body=body)


# (status, the provider's own words, our code)
SAID: list[tuple[int, Any, str]] = [
    (429, {"code": "insufficient_quota", "message": "You exceeded your current quota."}, "provider_quota"),
    (429, {"message": "Rate limit reached for gpt-5 in organization org."}, "provider_rate_limited"),
    (402, {"message": "Insufficient Balance"}, "provider_credit"),
    (402, None, "provider_credit"),
    (403, {"message": "Your team has insufficient credits."}, "provider_credit"),
    (400, {"error": {"message": "Your credit balance is too low to access the API."}}, "provider_credit"),
    (400, {"code": "context_length_exceeded", "message": "Too long."}, "provider_too_long"),
    (400, {"error": {"message": "prompt is too long: 250000 tokens > 200000 maximum"}}, "provider_too_long"),
    (400, {"message": "The input token count (1200000) exceeds the maximum."}, "provider_too_long"),
    (500, {"message": "the request exceeds the available context size"}, "provider_too_long"),
    (400, {"code": "content_filter", "message": "Azure's content management policy."}, "provider_filtered"),
    (400, {"code": "data_inspection_failed", "message": "Input data may contain ..."}, "provider_filtered"),
    (500, {"message": "The safety service is down."}, "provider_down"),
    (401, {"message": "insufficient_quota"}, "provider_unauthorized"),
    (404, {"message": "The model `x` does not exist"}, "provider_unknown_model"),
    (404, 'model "x" not found, try pulling it first', "provider_unknown_model"),
    (404, {"message": "Invalid URL (POST /chat/completions)"}, "provider_wrong_address"),
    (404, {"detail": "Not Found"}, "provider_wrong_address"),
    (404, "404 page not found", "provider_wrong_address"),
    (404, "<html><body>Not Found</body></html>", "provider_wrong_address"),
    (405, {"detail": "Method Not Allowed"}, "provider_wrong_address"),
    (502, "<html><body>Bad Gateway</body></html>", "provider_down"),
]


@pytest.mark.parametrize(("status_", "body", "code"), SAID)
def test_the_providers_own_words_tell_what_to_do(status_: int, body: Any, code: str) -> None:
    error = provider_error(said(status_, body))
    assert error.reason == code
    assert error.message.endswith(".")
    # Nothing that the provider wrote is shown to people.
    assert str(body) not in error.message


def test_an_error_in_an_answer_is_understood_like_a_status() -> None:
    limited = ErrorInAnswer({"code": 429, "message": "Slow down."})
    assert provider_error(limited).reason == "provider_rate_limited"
    assert provider_error(ErrorInAnswer({"message": "context_length_exceeded"})).reason == "provider_too_long"
    assert provider_error(ErrorInAnswer({"code": "odd"})).reason == "provider_down"


def test_every_code_is_documented_and_has_a_sentence_on_the_page() -> None:
    rooms = [ROOT / "conversations" / room for room in ("agents", "orchestration", "providers")]
    sources = [path.read_text() for room in rooms for path in room.rglob("*.py")]
    codes = {code for source in sources for code in re.findall(r'"(provider_[a-z_]+)"', source)}
    documented = (ROOT / "docs" / "providers.md").read_text()
    page = (ROOT / "frontend" / "src" / "shared" / "format.ts").read_text()
    assert {code for code in codes if f"`{code}`" not in documented} == set()
    assert {code for code in codes if f"{code}: " not in page} == set()


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
