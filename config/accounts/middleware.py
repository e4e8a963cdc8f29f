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

# allauth counts attempts in windows of a minute, and does not say when the next one is allowed.
RETRY_SECONDS = 60

_PROVIDER_VIEWS = {"google_login", "github_login", "openid_connect_login"}


class NoDnsPrefetch(MiddlewareMixin):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Switch off DNS prefetching: a browser would look up the hosts of links in a model's answer before anybody
        follows one."""
        response.headers["X-DNS-Prefetch-Control"] = "off"
        return response


class RetryAfter(MiddlewareMixin):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Say when to try again after too many attempts to sign in, sign up or reset a password."""
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
        """Let forms lead to any https address: browsers apply `form-action` to every redirect that follows a form, and
        providers redirect among hosts of their own. These pages show nothing that a user or a model wrote."""
        if _leads_to_provider(request):
            response._csp_update = {"form-action": ["https:", *_http_origins()]}  # type: ignore[attr-defined]
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Show a page instead of reporting a server error where the provider cannot be reached."""
        if not (_leads_to_provider(request) and isinstance(exception, RequestException)):
            return None
        logger.warning("sign_in_provider_unreachable", path=request.path, failure=str(exception))
        page = "socialaccount/authentication_error.html"
        return render(request, page, status=HTTPStatus.BAD_GATEWAY)


def _leads_to_provider(request: HttpRequest) -> bool:
    return request.resolver_match is not None and request.resolver_match.view_name in _PROVIDER_VIEWS


def _http_origins() -> list[str]:
    """The origin of an OpenID Connect provider without https, which only this machine may have."""
    apps = settings.SOCIALACCOUNT_PROVIDERS.get("openid_connect", {}).get("APPS", [])
    addresses = [urlsplit(app["settings"]["server_url"]) for app in apps]
    return [f"http://{address.netloc}" for address in addresses if address.scheme == "http"]
