"""Who may make an account (OUTCRY_SIGN_UP): everybody, the invited, people of some mail domains, or nobody."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations.access import invitations
from conversations.models import Invitation

_SESSION_KEY: Final = "outcry_invitation"
_SIGN_UP_VIEWS: Final = {"account_signup", "socialaccount_signup"}


@require_safe
@never_cache
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind an invitation's link: leads to the form. Nothing is used up by opening it, because mail scanners
    do so, too."""
    if invitations.find(token) is None:
        return _closed(request)
    request.session[_SESSION_KEY] = token
    return redirect("account_signup")


def is_open(request: HttpRequest) -> bool:
    """Whether whoever sends this request may sign up, with a suitable address."""
    match settings.OUTCRY_SIGN_UP:
        case "open" | "domain":
            return True
        case "invitation":
            return _invitation(request) is not None
    return False


def validate_email(request: HttpRequest | None, email: str) -> None:
    """For each address that a form takes; only those that make an account are restricted. Raises ValidationError."""
    match = None if request is None else request.resolver_match
    if request is not None and match is not None and match.view_name in _SIGN_UP_VIEWS:
        _validate(request, email)


def require_email(request: HttpRequest, email: str) -> None:
    """For an address that a sign-in provider tells. Raises ImmediateHttpResponse."""
    try:
        _validate(request, email)
    except ValidationError:
        raise ImmediateHttpResponse(_closed(request)) from None


@contextmanager
def using_invitation(request: HttpRequest) -> Iterator[None]:
    """Context in which an account is made. Uses the request's invitation, unless making the account fails. Raises
    ImmediateHttpResponse if it has been used in the meantime."""
    if settings.OUTCRY_SIGN_UP != "invitation":
        yield
        return
    with transaction.atomic():
        found = _invitation(request)
        if found is None or not invitations.claim(found):
            raise ImmediateHttpResponse(_closed(request))
        yield
    del request.session[_SESSION_KEY]


def link(invitation: Invitation) -> str:
    """The address that the invited person opens."""
    return settings.OUTCRY_SITE_URL + reverse("invitation", args=[invitations.token(invitation)])


def send(invitation: Invitation) -> None:
    """Mail the link to the address that is invited."""
    context = {"invitation": invitation, "invitation_url": link(invitation)}
    get_adapter().send_mail("account/email/invitation", invitation.email, context)


def _invitation(request: HttpRequest) -> Invitation | None:
    return invitations.find(request.session.get(_SESSION_KEY, ""))


def _validate(request: HttpRequest, email: str) -> None:
    if settings.OUTCRY_SIGN_UP == "domain":
        if email.rpartition("@")[2].lower() not in settings.OUTCRY_SIGN_UP_DOMAINS:
            raise ValidationError("Use an address of this organisation.", code="domain")
    elif settings.OUTCRY_SIGN_UP == "invitation":
        found = _invitation(request)
        if found is not None and found.email and found.email != email.lower():
            raise ValidationError("Use the address that was invited.", code="invited")


def _closed(request: HttpRequest) -> HttpResponse:
    return render(request, "account/signup_closed.html", status=403)
