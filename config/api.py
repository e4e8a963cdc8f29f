"""The HTTP API: its routers, and its one shape of errors: {"code", "message"}, and "errors" for broken rules, and
"status", the conversation's, where that is what stands in the way."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import django_auth

from conversations import forms
from conversations.api import router as conversations
from conversations.errors import (
    Conflict,
    Finished,
    Forbidden,
    InvalidInput,
    LimitReached,
    LogUnavailable,
    NotFound,
    OutcryError,
    Problem,
)
from streaming.api import router as streaming

_STATUSES = {
    InvalidInput: 422,
    LimitReached: 429,
    NotFound: 404,
    Forbidden: 403,
    Finished: 409,
    Conflict: 409,
    LogUnavailable: 503,
}

api = NinjaAPI(
    title="Outcry",
    version="1",
    description="Live, multi-agent financial debates. Sign in with a session; send the CSRF token with what changes.",
    auth=django_auth,
    urls_namespace="api",
)
api.add_router("/conversations", conversations)
api.add_router("/streaming", streaming)


@api.exception_handler(OutcryError)
def refused(request: HttpRequest, failure: OutcryError) -> HttpResponse:
    status = next((status for kind, status in _STATUSES.items() if isinstance(failure, kind)), 500)
    more: dict[str, Any] = {}
    if isinstance(failure, InvalidInput):
        more["errors"] = [vars(problem) for problem in failure.problems]
    if isinstance(failure, Finished | Conflict):
        more["status"] = failure.status
    return _answer(request, status, failure.code, failure.message, **more)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, failure: ValidationError) -> HttpResponse:
    # In a body, the name of the view's parameter stands before the caller's own names.
    errors = [
        {
            **error,
            "loc": (*error["loc"][:1], *error["loc"][2:]) if error["loc"][0] == "body" else error["loc"],
        }
        for error in failure.errors
    ]
    return refused(request, InvalidInput(forms.problems(errors)))


@api.exception_handler(AuthenticationError)
def unauthenticated(request: HttpRequest, failure: AuthenticationError) -> HttpResponse:
    return _answer(request, 401, "unauthenticated", "Sign in first.")


@api.exception_handler(Http404)
def not_found(request: HttpRequest, failure: Http404) -> HttpResponse:
    return _answer(request, 404, "not_found", "There is nothing at this address.")


@api.exception_handler(RequestDataTooBig)
def too_large(request: HttpRequest, failure: RequestDataTooBig) -> HttpResponse:
    return _answer(request, 413, "too_large", "The body is too large.")


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, failure: HttpError) -> HttpResponse:
    if failure.status_code == 403:
        return _answer(request, 403, "csrf", "The CSRF token is missing or wrong; send it as X-CSRFToken.")
    if failure.status_code == 400:
        return refused(request, InvalidInput([Problem("body", "json", "The body must be one JSON object.")]))
    return _answer(request, failure.status_code, "http_error", str(failure))


def _answer(request: HttpRequest, http_status: int, code: str, message: str, **more: Any) -> HttpResponse:
    return api.create_response(request, {"code": code, "message": message, **more}, status=http_status)
