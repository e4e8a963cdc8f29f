"""The pages of organisations. They work without JavaScript."""

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from conversations.access import rate_limits
from conversations.domain.errors import OutcryError
from conversations.services import organisation_invitations as invitations
from frontend.content_security import trusted_types


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@trusted_types  # type: ignore[arg-type]  # typed for views without arguments
def join(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind an invitation's link. Only the button on it accepts, because mail scanners open links, too."""
    user = _user(request)
    try:
        if request.method == "POST":
            async_to_sync(rate_limits.control)(str(user.pk))
            joined = invitations.accept(user, token)
            messages.success(request, f"You have joined {joined.organisation.name}.")
            return redirect("dashboard")
        context = {"invitation": invitations.acceptable(user, token)}
    except OutcryError as refusal:
        return render(request, "frontend/join.html", {"refusal": refusal.message}, status=refusal.http_status)
    return render(request, "frontend/join.html", context)


def _user(request: HttpRequest) -> AbstractUser:
    assert isinstance(request.user, AbstractUser)  # noqa: S101 (login_required; for the type checker)
    return request.user
