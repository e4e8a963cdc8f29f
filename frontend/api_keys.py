"""The page on which people create, rotate and revoke their API keys. It works without JavaScript."""

from datetime import timedelta

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from conversations.access import api_keys as keys
from conversations.access import rate_limits, reauthentication
from conversations.domain.enums import Scope
from conversations.domain.errors import InvalidInput, NotFound, OutcryError
from conversations.domain.requests import MAX_KEY_NAME, NewKey
from conversations.models import ApiKey, longest_life
from frontend.content_security import trusted_types

# In days; the empty one never expires.
LIFETIMES = [
    ("7", "in 7 days"),
    ("30", "in 30 days"),
    ("90", "in 90 days"),
    ("365", "in a year"),
    ("", "never"),
]


def lifetimes() -> list[tuple[str, str]]:
    """Those that OUTCRY_KEY_DAYS allows, and itself."""
    longest = longest_life()
    if longest is None:
        return LIFETIMES
    shorter = [(days, label) for days, label in LIFETIMES if days and int(days) < longest.days]
    return [*shorter, (str(longest.days), f"in {longest.days} days, the maximum here")]


class KeyForm(forms.Form):
    name = forms.CharField(
        max_length=MAX_KEY_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off", "data-testid": "key-name"}),
        error_messages={
            "required": "Enter a name.",
            "max_length": "Use at most %(limit_value)d characters.",
        },
    )
    scopes = forms.TypedMultipleChoiceField(
        label="Permissions",
        coerce=Scope,
        choices=[
            (scope.value, format_html('{} <code class="quiet">{}</code>', scope.label, scope.value))
            for scope in Scope
        ],
        initial=[Scope.WATCH.value],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "checkbox checkbox-sm"}),
        error_messages={"required": "Choose at least one permission."},
    )
    lifetime = forms.TypedChoiceField(
        label="Expires",
        choices=lifetimes,
        coerce=int,
        empty_value=None,
        required=False,
        initial=lambda: "90" if "90" in dict(lifetimes()) else lifetimes()[-1][0],
        widget=forms.Select(attrs={"data-testid": "key-expiry"}),
    )

    def clean_name(self) -> str:
        """The name by the API's rules."""
        try:
            return NewKey.parse({"name": self.cleaned_data["name"], "scopes": [*Scope]}).name
        except InvalidInput as refused:
            raise forms.ValidationError(refused.problems[0].message) from None

    def new_key(self) -> NewKey:
        """The new key of a valid form."""
        days: int | None = self.cleaned_data["lifetime"]
        expires_at = None if days is None else timezone.now() + timedelta(days=days)
        return NewKey(
            name=self.cleaned_data["name"], scopes=self.cleaned_data["scopes"], expires_at=expires_at
        )

    def focus_first_error(self) -> None:
        for name in self.errors:
            if name in self.fields:
                self.fields[name].widget.attrs["autofocus"] = True
                return


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@trusted_types
def api_keys(request: HttpRequest) -> HttpResponse:
    """The list of keys, and the form for a new one. A POST names its action. For a new secret, people give their
    password once more.

    A new key is shown only in the response to its POST, which no cache keeps; it is stored neither in a session nor in
    a URL.
    """
    if request.method != "POST":
        return _page(request, KeyForm())
    try:
        match request.POST.get("action"):
            case "create":
                return _create(request)
            case "rotate":
                return _rotate(request)
            case "revoke":
                return _revoke(request)
    except OutcryError as refusal:
        messages.error(request, refusal.message)
        return redirect("api_keys")
    raise BadRequest("unknown action")


@sensitive_variables("text")
def _create(request: HttpRequest) -> HttpResponse:
    form = KeyForm(request.POST)
    if form.is_valid():
        reauthentication.require(request)
        try:
            _count(request)
            key, text = keys.create(_user(request), form.new_key())
        except OutcryError as refusal:
            form.add_error(None, refusal.message)
        else:
            keys.announce(key)
            return _page(request, KeyForm(), key, text)
    form.focus_first_error()
    return _page(request, form)


@sensitive_variables("text")
def _rotate(request: HttpRequest) -> HttpResponse:
    reauthentication.require(request)
    _count(request)
    key, text = keys.rotate(_user(request), _chosen(request).pk)
    keys.announce(key)
    return _page(request, KeyForm(), key, text)


def _revoke(request: HttpRequest) -> HttpResponse:
    key = _chosen(request)
    keys.revoke(_user(request), key.pk)
    messages.success(request, f"Revoked: {key.name}.")
    return redirect("api_keys")


@sensitive_variables("text")
def _page(request: HttpRequest, form: KeyForm, new_key: ApiKey | None = None, text: str = "") -> HttpResponse:
    context = {"form": form, "keys": keys.listed(_user(request)), "new_key": new_key, "text": text}
    return render(request, "frontend/api_keys.html", context)


def _chosen(request: HttpRequest) -> ApiKey:
    """The user's own key that the form names. Raises NotFound."""
    try:
        return keys.listed(_user(request)).get(pk=request.POST.get("key", ""))
    except (ApiKey.DoesNotExist, ValidationError):
        raise NotFound(keys.UNKNOWN) from None


def _count(request: HttpRequest) -> None:
    """Count the action in the API's rate limit. Raises TooManyRequests."""
    async_to_sync(rate_limits.control)(str(_user(request).pk))


def _user(request: HttpRequest) -> AbstractUser:
    assert isinstance(request.user, AbstractUser)  # noqa: S101 (login_required; for the type checker)
    return request.user
