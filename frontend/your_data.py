"""The page on which people download what is stored about them, and delete their account. It works without
JavaScript."""

from allauth.core.exceptions import ReauthenticationRequired
from asgiref.sync import async_to_sync
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from conversations.access import lists, rate_limits, reauthentication
from conversations.domain.errors import NotErasable, TooManyRequests
from conversations.privacy import download, erasure
from frontend.content_security import trusted_types

_CONFIRM = "confirm"


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@trusted_types
def your_data(request: HttpRequest) -> HttpResponseBase:
    """A POST names its action. For each, people give their password once more.

    A browser stays on the page that it gets a file from. So that this is not the one that asks for the password, people
    come back here in between, and press the button again."""
    user = request.user
    assert isinstance(user, AbstractUser)  # noqa: S101 (login_required; for the type checker)
    if request.method != "POST":
        if _CONFIRM in request.GET:
            reauthentication.require(request)
        return _page(request, user)
    match request.POST.get("action"):
        case "download":
            try:
                reauthentication.require(request)
            except ReauthenticationRequired:
                return redirect(f"{reverse('your_data')}?{_CONFIRM}")
            return _download(request, user)
        case "delete":
            reauthentication.require(request)
            return _delete(request, user)
    raise BadRequest("unknown action")


def _page(request: HttpRequest, user: AbstractUser) -> HttpResponseBase:
    try:
        erasure.require_erasable(user)
        refusal = ""
    except NotErasable as failure:
        refusal = failure.message
    context = {
        "is_confirmed": _CONFIRM in request.GET,
        "refusal": refusal,
        "number": lists.own_with_deleted(user).count(),
    }
    return render(request, "frontend/your_data.html", context)


def _download(request: HttpRequest, user: AbstractUser) -> HttpResponseBase:
    try:
        async_to_sync(rate_limits.control)(str(user.pk))
    except TooManyRequests as refusal:
        messages.error(request, refusal.message)
        return redirect("your_data")
    return download.response(user, user)


def _delete(request: HttpRequest, user: AbstractUser) -> HttpResponseBase:
    if request.POST.get("username") != user.get_username():
        messages.error(request, "Nothing was deleted: that is not your username.")
        return redirect("your_data")
    try:
        erasure.erase(user.pk, user)
    except NotErasable as refusal:
        messages.error(request, refusal.message)
        return redirect("your_data")
    # Not Django's `logout`, which tells others about a person who is no more.
    request.session.flush()
    messages.success(request, "Your account and your debates were deleted.")
    return redirect("account_login")
