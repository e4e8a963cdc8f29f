"""Middleware: headers of every response, and the pages that lead to a sign-in provider."""

from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from requests import RequestException

logger = structlog.get_logger(__name__)

# allauth counts attempts in windows of 60 s, and does not report when the next one is allowed.
RETRY_SECONDS = 60

_PROVIDER_VIEWS = {"google_login", "github_login", "openid_connect_login"}


class ResponseHeaders(MiddlewareMixin):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add OUTCRY_RESPONSE_HEADERS. Has to precede every middleware that answers by itself, such as WhiteNoise."""
        for name, value in settings.OUTCRY_RESPONSE_HEADERS.items():
            response.headers[name] = value
        return response


class RetryAfter(MiddlewareMixin):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add Retry-After after too many attempts to sign in, sign up or reset a password."""
        match = request.resolver_match
        if (
            response.status_code == HTTPStatus.TOO_MANY_REQUESTS
            and match
            and match.route.startswith("accounts/")
        ):
            response.headers.setdefault("Retry-After", str(RETRY_SECONDS))
        return response


class ProviderPages(MiddlewareMixin):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Allow forms to lead to any https address: browsers apply `form-action` to every redirect after a form, and
        providers redirect among several hosts. These pages show no text of users or models."""
        if _leads_to_provider(request):
            response._csp_update = {"form-action": ["https:", *_http_origins()]}  # type: ignore[attr-defined]
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Show a page instead of a server error if the provider cannot be reached."""
        if not (_leads_to_provider(request) and isinstance(exception, RequestException)):
            return None
        logger.warning("sign_in_provider_unreachable", path=request.path, failure=str(exception))
        page = "socialaccount/authentication_error.html"
        return render(request, page, status=HTTPStatus.BAD_GATEWAY)


def _leads_to_provider(request: HttpRequest) -> bool:
    return request.resolver_match is not None and request.resolver_match.view_name in _PROVIDER_VIEWS


def _http_origins() -> list[str]:
    """The origin of an OpenID Connect provider with http, which is allowed on this machine only."""
    apps = settings.SOCIALACCOUNT_PROVIDERS.get("openid_connect", {}).get("APPS", [])
    addresses = [urlsplit(app["settings"]["server_url"]) for app in apps]
    return [f"http://{address.netloc}" for address in addresses if address.scheme == "http"]
