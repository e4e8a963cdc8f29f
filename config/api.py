"""The HTTP API: its routers, and its error responses, all in the format of `conversations.domain.errors`."""

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import AuthenticationError, HttpError, ValidationError

from config.openapi.schema import DescribedAPI
from conversations.api.api_keys import router as keys
from conversations.api.authentication import session_only
from conversations.api.datasets import router as datasets
from conversations.api.debates import router as conversations
from conversations.api.exports import router as exports
from conversations.api.organisation_invitations import router as organisation_invitations
from conversations.api.organisations import router as organisations
from conversations.api.panels import router as panels
from conversations.api.sharing import router as sharing
from conversations.api.sources import router as sources
from conversations.domain import requests
from conversations.domain.errors import (
    InvalidInput,
    OutcryError,
    Unauthenticated,
    error_body,
    error_headers,
)
from conversations.infrastructure import database
from streaming.monitoring.api import router as streaming

api = DescribedAPI(
    title="Outcry",
    version="1",
    description=(
        "Live, multi-agent financial debates. Programs send an API key, as `Authorization: Bearer KEY`; a page of the"
        " site uses its session, and sends the CSRF token with what changes."
    ),
    # By default an operation takes no API key.
    auth=session_only(),
    urls_namespace="api",
)
api.add_router("/conversations", conversations)
api.add_router("/conversations", exports)
api.add_router("/conversations", sharing)
api.add_router("/datasets", datasets)
api.add_router("/keys", keys)
api.add_router("/organisations", organisations)
api.add_router("/organisations", organisation_invitations)
api.add_router("/panels", panels)
api.add_router("/sources", sources)
api.add_router("/streaming", streaming)


@api.exception_handler(OutcryError)
def refused(request: HttpRequest, failure: OutcryError) -> HttpResponse:
    answer = api.create_response(request, error_body(failure), status=failure.http_status)
    for name, value in error_headers(failure).items():
        answer.headers[name] = value
    return answer


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, failure: ValidationError) -> HttpResponse:
    # In a body, the name of the view's parameter precedes the client's field names: leave it out.
    errors = [
        {
            **error,
            "loc": (*error["loc"][:1], *error["loc"][2:]) if error["loc"][0] == "body" else error["loc"],
        }
        for error in failure.errors
    ]
    return refused(request, InvalidInput(requests.problems(errors)))


@api.exception_handler(AuthenticationError)
def unauthenticated(request: HttpRequest, failure: AuthenticationError) -> HttpResponse:
    return refused(request, Unauthenticated("Sign in first, or send an API key."))


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def unavailable(request: HttpRequest, failure: Exception) -> HttpResponse:
    return refused(request, database.unavailable(failure))


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
        return refused(request, InvalidInput.of("body", "json", "The body must be one JSON object."))
    return _answer(request, failure.status_code, "http_error", str(failure))


def _answer(request: HttpRequest, http_status: int, code: str, message: str) -> HttpResponse:
    return api.create_response(request, {"code": code, "message": message}, status=http_status)
