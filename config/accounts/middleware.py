"""What every answer carries, and the pages that lead to a sign-in provider: their forms lead away from the site, and
the other end may be down."""

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

# allauth counts these attempts in windows of a minute, and does not say when there is room again.
ATTEMPTS_SECONDS = 60

_LEADS_AWAY = {"google_login", "github_login", "openid_connect_login"}


class NoGuesses(MiddlewareMixin):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Browsers look up the hosts of links before anybody follows one; a model's words must not have them do so."""
        response.headers["X-DNS-Prefetch-Control"] = "off"
        return response


class PatientAttempts(MiddlewareMixin):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Who signs in, signs up or resets a password too often learns when to try again."""
        match = request.resolver_match
        if (
            response.status_code == HTTPStatus.TOO_MANY_REQUESTS
            and match
            and match.route.startswith("accounts/")
        ):
            response.headers.setdefault("Retry-After", str(ATTEMPTS_SECONDS))
        return response


class ProviderPages(MiddlewareMixin):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Browsers hold `form-action` against every redirect that follows a form, and providers redirect among hosts
        of their own. So here, where nothing is shown that anybody wrote, forms may lead to any https address."""
        if _leads_away(request):
            response._csp_update = {"form-action": ["https:", *_own_machine()]}  # type: ignore[attr-defined]
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A provider that cannot be reached is told to the person, not to the alarm bells."""
        if not (_leads_away(request) and isinstance(exception, RequestException)):
            return None
        logger.warning("sign_in_provider_unreachable", path=request.path, failure=str(exception))
        page = "socialaccount/authentication_error.html"
        return render(request, page, status=HTTPStatus.BAD_GATEWAY)


def _leads_away(request: HttpRequest) -> bool:
    return request.resolver_match is not None and request.resolver_match.view_name in _LEADS_AWAY


def _own_machine() -> list[str]:
    """The origin of a provider that is tried out without https."""
    apps = settings.SOCIALACCOUNT_PROVIDERS.get("openid_connect", {}).get("APPS", [])
    addresses = [urlsplit(app["settings"]["server_url"]) for app in apps]
    return [f"http://{address.netloc}" for address in addresses if address.scheme == "http"]
