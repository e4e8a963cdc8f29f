"""The page of a person's settings. It works without JavaScript."""

import json
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from conversations.access import api_keys, lists
from conversations.domain.enums import Theme
from conversations.domain.texts import cleaned_line
from conversations.models import Preferences
from conversations.providers import catalog, circuit_breaker
from conversations.providers.circuit_breaker import State
from frontend import preferences
from frontend.content_security import trusted_types

_YEAR: Final = 365 * 24 * 3600
_STATES: Final = {
    State.CLOSED: "Available",
    State.HALF_OPEN: "Being tried again",
    State.OPEN: "Not answering",
}


class SettingsForm(forms.Form):
    display_name = forms.CharField(
        max_length=60,
        required=False,
        help_text="Shown in the menu, and beside your username in files that you export.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"max_length": "Use at most %(limit_value)d characters."},
    )
    time_zone = forms.ChoiceField(required=False, help_text="For all times on the pages.")
    theme = forms.ChoiceField(
        choices=[("", "System"), *Theme.choices],
        required=False,
        widget=forms.RadioSelect(attrs={"class": "radio radio-sm", "data-theme-choice": True}),
    )
    notify = forms.BooleanField(
        required=False, label="Desktop notifications when a debate ends or asks you something"
    )

    def __init__(self, *args: Any, browser_zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = f"Browser's time zone ({_place(browser_zone)})" if browser_zone else "Browser's time zone"
        groups = [(region, [(name, _place(name)) for name in names]) for region, names in preferences.zones()]
        zone = self.fields["time_zone"]
        assert isinstance(zone, forms.ChoiceField)  # noqa: S101 (for the type checker)
        zone.choices = [("", own), ("UTC", "UTC"), *groups]

    def clean_display_name(self) -> str:
        return cleaned_line(self.cleaned_data["display_name"]).strip()


def _place(zone: str) -> str:
    """Such as "Buenos Aires" for America/Argentina/Buenos_Aires."""
    return zone.rpartition("/")[2].replace("_", " ")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@trusted_types
def settings_page(request: HttpRequest) -> HttpResponse:
    own = preferences.of(_user(request))
    browser_zone = request.COOKIES.get(preferences.ZONE_COOKIE, "")
    initial = {name: getattr(own, name) for name in SettingsForm.base_fields}
    form = SettingsForm(
        request.POST or None,
        initial=initial,
        browser_zone=browser_zone if browser_zone in preferences.available_zones() else "",
    )
    if form.is_valid():
        Preferences.objects.update_or_create(person_id=_user(request).pk, defaults=form.cleaned_data)
        messages.success(request, "Settings saved.")
        return _with_theme(redirect("settings"), form.cleaned_data["theme"])
    context = {
        "form": form,
        "datasets": lists.datasets(_user(request)).count(),
        "keys": api_keys.listed(_user(request)).count(),
        "models": [
            {"provider": provider, "state": _STATES[status.state]}
            for provider, status in zip(
                catalog.by_preference(), circuit_breaker.statuses(catalog.by_preference()), strict=True
            )
        ],
    }
    return render(request, "frontend/settings.html", context)


@require_POST
@login_required
def theme(request: HttpRequest) -> HttpResponse:
    """Store the choice of the button in each page's head: JSON with `theme`, "light" or "dark"."""
    try:
        chosen = json.loads(request.body)["theme"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadRequest("no theme") from None
    if chosen not in Theme.values:
        raise BadRequest("unknown theme")
    Preferences.objects.update_or_create(person_id=_user(request).pk, defaults={"theme": chosen})
    return HttpResponse(status=204)


def _with_theme(response: HttpResponse, chosen: str) -> HttpResponse:
    """Keep the choice in the browser, too, for pages before the sign-in."""
    if chosen:
        response.set_cookie(preferences.THEME_COOKIE, chosen, max_age=_YEAR, samesite="Lax")
    else:
        response.delete_cookie(preferences.THEME_COOKIE, samesite="Lax")
    return response


def _user(request: HttpRequest) -> AbstractUser:
    assert isinstance(request.user, AbstractUser)  # noqa: S101 (login_required; for the type checker)
    return request.user
