"""The pages of organisations. They work without JavaScript."""

from typing import Any

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from conversations.access import organisations as access
from conversations.access import rate_limits, reauthentication
from conversations.domain.enums import Role
from conversations.domain.errors import InvalidInput, OutcryError
from conversations.domain.organisations import MAX_EMAIL, MAX_NAME, NewMember, OrganisationForm
from conversations.domain.texts import uuid_or_nil
from conversations.models import Membership
from conversations.services import organisation_invitations as invitations
from conversations.services import organisations as service
from frontend import watching
from frontend.content_security import trusted_types

# Of the audit trail on an organisation's page; the API has more.
MAX_ENTRIES = 20
_GRANTABLE = [(role.value, role.label) for role in Role if role is not Role.OWNER]


class NameForm(forms.Form):
    name = forms.CharField(
        max_length=MAX_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "organization", "data-testid": "organisation-name"}),
        error_messages={"required": "Enter a name.", "max_length": "Use at most %(limit_value)d characters."},
    )


class InvitationForm(forms.Form):
    email = forms.EmailField(
        label="Email address",
        max_length=MAX_EMAIL,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "data-testid": "invite-email"}),
    )
    role = forms.ChoiceField(choices=_GRANTABLE, initial=Role.MEMBER.value)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@trusted_types
def organisations(request: HttpRequest) -> HttpResponse:
    """The person's organisations, and the form for a new one."""
    user, form = _user(request), NameForm(request.POST or None)
    if form.is_valid():
        try:
            _count(user)
            made = service.create(user, OrganisationForm.parse(form.cleaned_data))
            return redirect("organisation", made.organisation.slug)
        except OutcryError as refusal:
            form.add_error(None, _sentence(refusal))
    context = {"memberships": access.of(user), "form": form}
    return render(request, "frontend/organisations.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@trusted_types  # type: ignore[arg-type]  # typed for views without arguments
def organisation(request: HttpRequest, slug: str) -> HttpResponse:
    """An organisation's members and invitations. A POST names its action. 404 for who is not in it."""
    own = watching.membership(request, slug)
    if request.method != "POST":
        return _page(request, own)
    action = _ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        raise BadRequest("unknown action")
    try:
        _count(_user(request))
        return action(request, own) or redirect("organisation", slug)
    except OutcryError as refusal:
        messages.error(request, _sentence(refusal))
        return redirect("organisation", slug)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@trusted_types  # type: ignore[arg-type]  # typed for views without arguments
def join(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind an invitation's link. Only the button on it accepts, because mail scanners open links, too."""
    user = _user(request)
    try:
        if request.method == "POST":
            _count(user)
            joined = invitations.accept(user, token)
            messages.success(request, f"You have joined {joined.organisation.name}.")
            return redirect("organisation", joined.organisation.slug)
        context = {"invitation": invitations.acceptable(user, token)}
    except OutcryError as refusal:
        return render(request, "frontend/join.html", {"refusal": refusal.message}, status=refusal.http_status)
    return render(request, "frontend/join.html", context)


# Actions. Each returns a page, or None to show the organisation's again.


def _rename(request: HttpRequest, own: Membership) -> None:
    service.rename(
        _user(request), own.organisation_id, OrganisationForm.parse({"name": request.POST.get("name", "")})
    )
    messages.success(request, "Renamed.")


def _invite(request: HttpRequest, own: Membership) -> HttpResponse:
    wish = {name: request.POST.get(name, "") for name in ("email", "role")}
    made = invitations.invite(_user(request), own.organisation_id, NewMember.parse(wish))
    invitations.send(made)
    return _page(request, own, link=invitations.link(made), invited=made.email)


def _withdraw(request: HttpRequest, own: Membership) -> None:
    chosen = uuid_or_nil(request.POST.get("invitation", ""))
    invitations.withdraw(_user(request), own.organisation_id, chosen)
    messages.success(request, "Invitation withdrawn.")


def _change_role(request: HttpRequest, own: Membership) -> None:
    role = request.POST.get("role", "")
    if role not in Role.values:
        raise BadRequest("unknown role")
    if role == Role.OWNER:
        reauthentication.require(request)
    service.change_role(_user(request), own.organisation_id, _chosen(request), Role(role))
    messages.success(request, "Role changed.")


def _remove(request: HttpRequest, own: Membership) -> None:
    service.remove(_user(request), own.organisation_id, _chosen(request))
    messages.success(request, "Removed. Open debates of theirs are closed within five seconds.")


def _leave(request: HttpRequest, own: Membership) -> HttpResponse:
    service.remove(_user(request), own.organisation_id, own.person_id)
    messages.success(request, f"You have left {own.organisation.name}.")
    return redirect("organisations")


_ACTIONS: dict[str, Any] = {
    "rename": _rename,
    "invite": _invite,
    "withdraw": _withdraw,
    "role": _change_role,
    "remove": _remove,
    "leave": _leave,
}


def _page(request: HttpRequest, own: Membership, **more: str) -> HttpResponse:
    user, of = _user(request), own.organisation_id
    role = Role(own.role)
    context: dict[str, Any] = {
        "own": own,
        "organisation": own.organisation,
        "members": [
            {"row": each, "role": Role(each.role).label, "is_open": _may_change(own, each)}
            for each in service.members(user, of)
        ],
        "roles": Role.choices if role is Role.OWNER else _GRANTABLE,
        "may_administer": role.administers,
        **more,
    }
    if role.administers:
        context |= {
            "invitations": invitations.listed(user, of),
            "form": InvitationForm(),
            "entries": service.history(user, of)[:MAX_ENTRIES],
        }
    return render(request, "frontend/organisation.html", context)


def _may_change(own: Membership, other: Membership) -> bool:
    """Whether the page offers changes of this member; the service decides."""
    is_other = own.pk != other.pk and Role(own.role).administers
    return is_other and (other.role != Role.OWNER or own.role == Role.OWNER)


def _chosen(request: HttpRequest) -> int:
    text = request.POST.get("person", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadRequest("no member")
    return int(text)


def _sentence(refusal: OutcryError) -> str:
    return refusal.problems[0].message if isinstance(refusal, InvalidInput) else refusal.message


def _count(user: AbstractUser) -> None:
    """Count the change in the API's rate limit. Raises TooManyRequests."""
    async_to_sync(rate_limits.control)(str(user.pk))


def _user(request: HttpRequest) -> AbstractUser:
    assert isinstance(request.user, AbstractUser)  # noqa: S101 (login_required; for the type checker)
    return request.user
