"""The pages of a site that requires a second factor: without one, a session opens only the way to it."""

from typing import Any, Final

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.contrib import messages
from django.contrib.auth.models import AbstractUser
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import urlencode

from conversations.access import principals, second_factor
from conversations.domain.errors import OutcryError, error_body, error_headers
from conversations.infrastructure import database

# What it takes to set up a second factor, to give it, or to leave. An address has to be confirmed before.
_OPEN: Final = frozenset(
    {
        "account_confirm_email",
        "account_email",
        "account_email_verification_sent",
        "account_login",
        "account_logout",
        "account_reauthenticate",
        "mfa_activate_totp",
        "mfa_authenticate",
        "mfa_index",
        "mfa_reauthenticate",
    }
)


class RequireSecondFactor(MiddlewareMixin):
    """Has to follow the middlewares of sessions, users and messages."""

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponseBase | None:
        is_api = request.path.startswith("/api/")
        try:
            user = request.user
            if not isinstance(user, AbstractUser) or not second_factor.is_missing(user, request.session):
                return None
        except database.FAILURES as failure:
            if not is_api:
                raise
            # The view is not called: what it would look up may be there again, but nobody was asked for the factor.
            return _json(database.unavailable(failure))
        match = request.resolver_match
        if match is not None and match.view_name in _OPEN:
            return None
        if is_api:
            # Each operation checks a key itself, and ignores the session beside it.
            return None if principals.key_in(request.headers) is not None else _json(second_factor.missing())
        if not second_factor.lacking([user]):
            return _to("mfa_reauthenticate", request)
        messages.info(request, "This site requires a second factor. Set one up to go on.")
        return _to("mfa_activate_totp", request)


def _to(view: str, request: HttpRequest) -> HttpResponseBase:
    answer = redirect(view)
    answer.headers["Location"] += f"?{urlencode({'next': request.get_full_path()})}"
    return answer


def _json(error: OutcryError) -> HttpResponseBase:
    return JsonResponse(error_body(error), status=error.http_status, headers=error_headers(error))


@receiver(authenticator_added)
def keep_proof(request: HttpRequest, user: AbstractUser, authenticator: Authenticator, **_: Any) -> None:
    """Who sets up a second factor has just entered its code, and need not enter it again in this session."""
    record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
