"""What the providers' libraries raise, as our own errors.

AG2 wraps none of them, and each library has its own classes; what they share is a status code or a place in the
HTTP library's tree, so that is what is looked at.
"""

import json
import time
from email.utils import parsedate_to_datetime
from typing import Final

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
_BY_STATUS = {
    400: ("provider_rejected", "The model's provider rejected the request.", False),
    401: (
        "provider_unauthorized",
        "The model's provider refused the key. Check the key in the settings.",
        False,
    ),
    403: ("provider_forbidden", "The model's provider does not allow this key to use the model.", False),
    404: ("provider_unknown_model", "The model's provider does not know this model.", False),
    413: ("provider_too_long", "The debate is too long for this model.", False),
    429: ("provider_rate_limited", "The model's provider limits our rate at the moment.", True),
}


def provider_error(failure: BaseException) -> ProviderError:
    """The ProviderError for whatever a turn raised. `reason` is stable; the original goes to the log only."""
    if isinstance(failure, ProviderError):
        return failure
    if (status := _status(failure)) is not None:
        if status in _BY_STATUS:
            reason, sentence, retryable = _BY_STATUS[status]
            return ProviderError(reason, sentence, retryable=retryable, retry_after=_retry_after(failure))
        if status >= 500:
            return ProviderError(
                "provider_down",
                "The model's provider has a fault at its end.",
                retryable=True,
                retry_after=_retry_after(failure),
            )
        return ProviderError(
            "provider_rejected", "The model's provider rejected the request.", retryable=False
        )
    names = {cls.__name__ for link in _chain(failure) for cls in type(link).__mro__}
    # aiohttp's first: the way they are passed on, refusals and resets are timeouts too.
    if names & {"ConnectError", "ClientConnectorError", "ConnectionRefusedError"}:
        return ProviderError(
            "provider_unreachable", "The model's provider could not be reached.", retryable=True
        )
    if "ClientConnectionError" in names and "ServerTimeoutError" not in names:
        return ProviderError(
            "provider_dropped", "The model's provider ended the answer half way.", retryable=True
        )
    if names & {"TimeoutError", "TimeoutException", "APITimeoutError"}:
        return ProviderError("provider_timeout", "The model did not answer in time.", retryable=True)
    if names & {
        "RemoteProtocolError",
        "ReadError",
        "TransportError",
        "APIConnectionError",
        "ConnectionError",
    }:
        return ProviderError(
            "provider_dropped", "The model's provider ended the answer half way.", retryable=True
        )
    if isinstance(failure, json.JSONDecodeError | UnicodeDecodeError | ValidationError):
        return ProviderError(
            "provider_invalid_answer",
            "The model's provider sent something that is no answer.",
            retryable=True,
        )
    if "APIError" in names:
        # An error in the stream, in place of the answer's rest: it carries no status.
        return ProviderError("provider_down", "The model's provider has a fault at its end.", retryable=True)
    return ProviderError("provider_failed", "The model's provider failed.", retryable=True)


def _retry_after(failure: BaseException) -> float | None:
    """The seconds of its Retry-After, which may also be a date."""
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
