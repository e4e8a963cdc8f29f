"""Error mapping: turns exceptions of the providers' libraries into ProviderErrors.

AG2 wraps none of these exceptions, and each library has its own. In this order:
1. An HTTP status code decides, if the exception has one.
2. Otherwise the first row of `_BY_EXCEPTION` that names the exception or one of its causes. Rows are names, so that no
   library has to be imported here.
"""

import json
import sys
import time
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

from pydantic import ValidationError

from conversations.domain.errors import ProviderError

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
    }
)


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
_INVALID: Final = _Kind(
    "provider_invalid_answer", "The model's provider sent something that is no answer.", True
)
_FAILED: Final = _Kind("provider_failed", "The model's provider failed.", True)

# Other statuses are _REJECTED if below 500, else _DOWN.
_BY_STATUS: Final = {
    401: _Kind(
        "provider_unauthorized", "The model's provider refused the key. Check the key in the settings.", False
    ),
    403: _Kind("provider_forbidden", "The model's provider does not allow this key to use the model.", False),
    404: _Kind("provider_unknown_model", "The model's provider does not know this model.", False),
    413: _Kind("provider_too_long", "The debate is too long for this model.", False),
    429: _Kind("provider_rate_limited", "The model's provider limits our rate at the moment.", True),
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
    if (status := _status(failure)) is not None:
        kind = _BY_STATUS.get(status, _REJECTED if status < 500 else _DOWN)
        return kind.error(_retry_after(failure))
    chain = _chain(failure)
    for modules, name, kind in _BY_EXCEPTION:
        classes = tuple(getattr(sys.modules[module], name) for module in modules if module in sys.modules)
        if any(isinstance(link, classes) for link in chain):
            return kind.error()
    if isinstance(failure, json.JSONDecodeError | UnicodeDecodeError | ValidationError):
        return _INVALID.error()
    return _FAILED.error()


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


def _status(failure: BaseException) -> int | None:
    for name in ("status_code", "code"):  # openai, anthropic, ollama; google
        value = getattr(failure, name, None)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


def _chain(failure: BaseException) -> list[BaseException]:
    links = []
    link: BaseException | None = failure
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or link.__context__
    return links
