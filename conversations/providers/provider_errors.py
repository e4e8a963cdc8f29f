"""Error mapping: turns exceptions of the providers' libraries into ProviderErrors.

AG2 wraps none of these exceptions, and each library has its own. In this order:
1. The first row of `_BY_TEXT` whose words are in the provider's error, if it is one.
2. An HTTP status code, if the exception has one.
3. The first row of `_BY_EXCEPTION` that names the exception or one of its causes. Rows are names, so that no library
   has to be imported here.
"""

import json
import re
import sys
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from conversations.domain.errors import ProviderError
from conversations.providers.chat_chunks import ErrorInAnswer

# Failures after which nothing is billed: the model has not begun.
UNBILLED: Final = frozenset(
    {
        "provider_unreachable",
        "provider_unauthorized",
        "provider_forbidden",
        "provider_unknown_model",
        "provider_rejected",
        "provider_too_long",
        "provider_rate_limited",
        "provider_not_configured",
        "provider_quota",
        "provider_credit",
        "provider_filtered",
        "provider_wrong_address",
    }
)
# Characters of a provider's error that are searched.
MAX_TEXT: Final = 4_000


class _Kind(NamedTuple):
    code: str
    sentence: str
    retryable: bool

    def error(self, retry_after: float | None = None) -> ProviderError:
        return ProviderError(self.code, self.sentence, retryable=self.retryable, retry_after=retry_after)


_REJECTED: Final = _Kind("provider_rejected", "The model's provider rejected the request.", False)
_DOWN: Final = _Kind("provider_down", "The model's provider has a fault at its end.", True)
_UNREACHABLE: Final = _Kind("provider_unreachable", "The model's provider could not be reached.", True)
_TIMEOUT: Final = _Kind("provider_timeout", "The model did not answer in time.", True)
_DROPPED: Final = _Kind("provider_dropped", "The model's provider ended the answer half way.", True)
_LOOPED: Final = _Kind(
    "provider_looped", "The model went on and on, past the longest answer that was asked for.", True
)
_INVALID: Final = _Kind(
    "provider_invalid_answer", "The model's provider sent something that is no answer.", True
)
_FAILED: Final = _Kind("provider_failed", "The model's provider failed.", True)
_UNAUTHORIZED: Final = _Kind(
    "provider_unauthorized", "The model's provider refused the key. Check the key in the settings.", False
)
_UNKNOWN_MODEL: Final = _Kind(
    "provider_unknown_model",
    "The model's provider does not know this model. Check its name in OUTCRY_PROVIDERS.",
    False,
)
_TOO_LONG: Final = _Kind(
    "provider_too_long",
    "The debate is too long for this model. Shorten the sources, or use fewer rounds or another model.",
    False,
)
_RATE_LIMITED: Final = _Kind(
    "provider_rate_limited", "The model's provider limits our rate at the moment.", True
)
_QUOTA: Final = _Kind(
    "provider_quota",
    "The quota at the model's provider is used up. Raise its limit in the provider's console, or wait until it renews.",
    False,
)
_CREDIT: Final = _Kind(
    "provider_credit",
    "The account at the model's provider has no credit left. Add credit in the provider's console.",
    False,
)
_FILTERED: Final = _Kind(
    "provider_filtered",
    "The model's provider refused the text by its safety rules. Reword the question, change the sources,"
    " or use another provider.",
    False,
)
_WITHHELD: Final = _Kind(
    "provider_withheld",
    "The model's provider cut the answer off by its safety rules. Reword the question, change the sources,"
    " or use another provider.",
    True,
)
# What came is put in; it is one of our own words.
_WRONG_ADDRESS: Final = _Kind(
    "provider_wrong_address",
    "The address of the model's provider answered with {}, not with a model's answer. Check the address in"
    " OUTCRY_PROVIDERS; most end in /v1.",
    False,
)

# Words of a provider's error, in lower case, and what they mean. Several statuses are used for each.
_BY_TEXT: Final = (
    (
        re.compile(
            r"insufficient_quota|billing_hard_limit|billing_not_active|quota_exceeded|quota exceeded"
            r"|spend(?:ing)? limit"
        ),
        _QUOTA,
    ),
    (
        re.compile(
            r"credit balance|insufficient (?:credit|balance|fund)|insufficient_(?:credit|balance|fund)|payment required"
        ),
        _CREDIT,
    ),
    (
        re.compile(
            r"context_length|context length|context window|context size|maximum context|prompt is too long"
            r"|too many tokens"
            r"|input token count|reduce the length|input is too long|tokens_limit_reached"
        ),
        _TOO_LONG,
    ),
    (
        re.compile(
            r"content_filter|content_policy|content management policy|content policy|safety|moderation|flagged"
            r"|prohibited_content|data_inspection_failed|inappropriate content"
        ),
        _FILTERED,
    ),
    (
        re.compile(
            r"unexpected endpoint|invalid url|cannot post|no route|method not allowed|page not found|<html|<!doctype"
            r"|\"detail\":\s?\"not found\"|'detail': 'not found'"
        ),
        _WRONG_ADDRESS,
    ),
)

# What the words may mean with a status that says much itself; with others, anything.
_ALWAYS: Final = (_QUOTA, _CREDIT, _TOO_LONG, _FILTERED)
_MEANT: Final[Mapping[int, tuple[_Kind, ...]]] = {
    401: (),
    403: (_QUOTA, _CREDIT),
    **dict.fromkeys(range(500, 600), (_TOO_LONG,)),
}

# Other statuses are _REJECTED if below 500, else _DOWN.
_BY_STATUS: Final = {
    401: _UNAUTHORIZED,
    402: _CREDIT,
    403: _Kind("provider_forbidden", "The model's provider does not allow this key to use the model.", False),
    404: _UNKNOWN_MODEL,
    413: _TOO_LONG,
    429: _RATE_LIMITED,
}
# (modules, exception, kind). aiohttp's come first, because the OpenAI library reports refused and reset connections as
# timeouts.
_BY_EXCEPTION: Final = (
    (("aiohttp",), "ClientConnectorError", _UNREACHABLE),
    (("httpx", "httpx2"), "ConnectError", _UNREACHABLE),
    (("builtins",), "ConnectionRefusedError", _UNREACHABLE),
    (("aiohttp",), "ServerTimeoutError", _TIMEOUT),
    (("aiohttp",), "ClientConnectionError", _DROPPED),
    (("builtins",), "TimeoutError", _TIMEOUT),
    (("httpx", "httpx2"), "TimeoutException", _TIMEOUT),
    (("openai", "anthropic"), "APITimeoutError", _TIMEOUT),
    (("httpx", "httpx2"), "TransportError", _DROPPED),
    (("openai", "anthropic"), "APIConnectionError", _DROPPED),
    (("builtins",), "ConnectionError", _DROPPED),
    # An error event in the stream, which has no status.
    (("openai", "anthropic", "google.genai.errors"), "APIError", _DOWN),
)


def provider_error(failure: BaseException) -> ProviderError:
    """The ProviderError for an exception of a turn. `reason` is stable; the original exception is only logged."""
    if isinstance(failure, ProviderError):
        return failure
    code = status(failure)
    if (kind := _stated(failure, code)) is not None:
        return kind.error(_retry_after(failure))
    if code is not None:
        kind = _BY_STATUS.get(code, _REJECTED if code < 500 else _DOWN)
        return kind.error(_retry_after(failure))
    if isinstance(failure, ErrorInAnswer):
        return _DOWN.error()
    chain = _chain(failure)
    for modules, name, kind in _BY_EXCEPTION:
        classes = tuple(getattr(sys.modules[module], name) for module in modules if module in sys.modules)
        if any(isinstance(link, classes) for link in chain):
            return kind.error()
    if isinstance(failure, json.JSONDecodeError | UnicodeDecodeError | ValidationError):
        return _INVALID.error()
    return _FAILED.error()


def wrong_address(came: str) -> ProviderError:
    """For an answer with status 200 that is no model's; `came` says in our own words what it was."""
    return _WRONG_ADDRESS._replace(sentence=_WRONG_ADDRESS.sentence.format(came)).error()


def looped() -> ProviderError:
    """For an answer beyond every limit. Some servers ignore the limit in the request."""
    return _LOOPED.error()


def dropped() -> ProviderError:
    """For an answer without its end."""
    return _DROPPED.error()


def filtered() -> ProviderError:
    """For a prompt that the provider's safety rules refuse."""
    return _FILTERED.error()


def withheld() -> ProviderError:
    """For an answer of which a filter or the model's refusal left too little."""
    return _WITHHELD.error()


def status(failure: BaseException) -> int | None:
    """The HTTP status of a provider's error, or None if it has none."""
    for name in ("status_code", "code"):  # openai, anthropic, ollama; google
        value = getattr(failure, name, None)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


def text(failure: BaseException) -> str:
    """What a provider's error says, in at most MAX_TEXT characters, with the parameter that it names first. Untrusted:
    only for matching and for the log."""
    body = getattr(failure, "body", None) or getattr(failure, "details", None)
    error = body.get("error", body) if isinstance(body, Mapping) else body
    parameter = error.get("param") if isinstance(error, Mapping) else None
    parts: list[Any] = [parameter, body, getattr(failure, "error", None), failure]
    return " ".join(str(part)[:MAX_TEXT] for part in parts if part)[:MAX_TEXT]


def _stated(failure: BaseException, code: int | None) -> _Kind | None:
    """What the words of a provider's error mean, or None."""
    if code is None and not isinstance(failure, ErrorInAnswer):
        return None
    said = text(failure).lower()
    kind = next((kind for words, kind in _BY_TEXT if words.search(said)), None)
    if code == 405 or (kind is None and code == 404 and "not found" in said and "model" not in said):
        kind = _WRONG_ADDRESS
    if kind is _WRONG_ADDRESS and (code is None or code < 500):
        return kind._replace(sentence=kind.sentence.format("an error page"))
    return kind if kind in _MEANT.get(code or 400, _ALWAYS) else None


def _retry_after(failure: BaseException) -> float | None:
    """The seconds in the exception's Retry-After header, which may also be a date."""
    headers = getattr(getattr(failure, "response", None), "headers", None)
    stated = headers.get("retry-after") if headers is not None else None
    if not isinstance(stated, str):
        return None
    try:
        return max(0.0, float(stated))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(stated).timestamp() - time.time())
    except ValueError:
        return None


def _chain(failure: BaseException) -> list[BaseException]:
    links = []
    link: BaseException | None = failure
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or link.__context__
    return links
