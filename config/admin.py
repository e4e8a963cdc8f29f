"""The admin site: its sign-in, and its models of allauth."""

from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Final

from allauth.account.decorators import secure_admin_login
from allauth.mfa.admin import Authenticator
from allauth.socialaccount.admin import SocialApp, SocialToken
from allauth.usersessions.admin import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from config.accounts import sign_up, usernames
from conversations.access import invitations, reauthentication
from conversations.domain.errors import NotErasable
from conversations.models import Invitation
from conversations.privacy import download, erasure

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    ModelForm = forms.ModelForm[User]
    InvitationForm = forms.ModelForm[Invitation]
    DjangoUserAdmin = auth_admin.UserAdmin[User]
    CreationForm = auth_forms.AdminUserCreationForm[User]
    ChangeForm = auth_forms.UserChangeForm[User]
else:
    ModelAdmin = admin.ModelAdmin
    ModelForm = InvitationForm = forms.ModelForm
    DjangoUserAdmin = auth_admin.UserAdmin
    CreationForm = auth_forms.AdminUserCreationForm
    ChangeForm = auth_forms.UserChangeForm

admin.site.site_title = admin.site.site_header = "Outcry"
admin.site.index_title = "Administration"
# The index has the same few links, and the lists need the space.
admin.site.enable_nav_sidebar = False
# Staff sign in through the site's own page, with its rate limits and second factors.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

# Views of what gives access to accounts, by the beginnings of their names. Pages with their forms ask, too, because the
# question loses what was entered.
_OF_ACCOUNTS: Final = (
    "account_",
    "auth_",
    "conversations_invitation_",
    "mfa_",
    "password_",
    "socialaccount_",
)


def _asking(view: Any) -> Any:
    """The view, for people who have given their password or second factor recently, if it is about accounts: the
    administration sets everybody's passwords, mail addresses and permissions, one's own included."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        name = (request.resolver_match and request.resolver_match.url_name) or ""
        is_list = name.endswith("_changelist") and request.method != "POST"
        answer = (
            reauthentication.asked_first(request) if name.startswith(_OF_ACCOUNTS) and not is_list else None
        )
        return answer or view(request, *args, **kwargs)

    return wrapped


_admin_view: Any = admin.site.admin_view
admin.site.admin_view = lambda view, cacheable=False: _admin_view(_asking(view), cacheable)  # type: ignore[method-assign]
# Providers are configured by the environment only, and tokens are not stored.
admin.site.unregister([SocialApp, SocialToken])
# Removing a row there would not end the session.
admin.site.unregister(UserSession)


class _PlainName(ModelForm):
    """Administrators may give reserved names, but none that looks like another."""

    def clean(self) -> Any:
        cleaned = super().clean()
        if "username" in self.changed_data and "username" in self.cleaned_data:
            try:
                usernames.validate_letters(self.cleaned_data["username"])
            except ValidationError as wrong:
                self.add_error("username", wrong)
        return cleaned


class _UserCreationForm(_PlainName, CreationForm):
    pass


class _UserChangeForm(_PlainName, ChangeForm):
    pass


def _reason_to_keep(person: User, request: HttpRequest) -> str | None:
    """Why the administrator who asks cannot delete this person now; None if they can."""
    if person.pk == request.user.pk:
        return "This is you. Delete your own account on the page Your data."
    try:
        erasure.require_erasable(person)
    except NotErasable as refusal:
        return refusal.message
    return None


class UserAdmin(DjangoUserAdmin):
    """Deleting a user erases the person with all of their debates."""

    add_form = _UserCreationForm
    form = _UserChangeForm
    actions = ("export_data",)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """For the page that asks: what goes, and what forbids it. Django's own list would have every event."""
        shown: list[Any] = []
        numbers = {"people": 0, "debates": 0}
        forbidden: list[str] = []
        for person in objs:
            number = person.conversations.count()
            shown.append(
                f"{person.get_username()}: the account, and {number} debate{'' if number == 1 else 's'}"
            )
            numbers["people"] += 1
            numbers["debates"] += number
            if (reason := _reason_to_keep(person, request)) is not None:
                forbidden.append(f"{person.get_username()}: {reason}")
        lacking = set() if self.has_delete_permission(request) else {"user"}
        return shown, numbers, lacking, forbidden

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        assert isinstance(request.user, User)  # noqa: S101 (nobody else gets here; for the type checker)
        erasure.begin(obj.pk, request.user)
        # After the page's own transaction: each debate is deleted in one of its own.
        transaction.on_commit(partial(erasure.finish, obj.pk), robust=True)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for person in queryset:
            try:
                self.delete_model(request, person)
            except NotErasable as refusal:
                # Such as the last of several administrators.
                self.message_user(request, f"{person.get_username()}: {refusal.message}", messages.ERROR)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("conversations.export_person")

    @admin.action(description="Export the data of the selected user", permissions=["export"])
    def export_data(self, request: HttpRequest, queryset: Any) -> StreamingHttpResponse | None:
        assert isinstance(request.user, User)  # noqa: S101 (nobody else gets here; for the type checker)
        chosen = list(queryset[:2])
        if len(chosen) == 1:
            return download.response(chosen[0], request.user)
        self.message_user(request, "Select one user: each gets an archive of their own.", messages.ERROR)
        return None


admin.site.unregister(User)
admin.site.register(User, UserAdmin)


class _InvitationForm(InvitationForm):
    days = forms.IntegerField(
        initial=invitations.DEFAULT_DAYS,
        min_value=1,
        max_value=invitations.MAX_DAYS,
        help_text="Until it expires.",
    )

    class Meta:
        model = Invitation
        fields = ("email",)


class InvitationAdmin(ModelAdmin):
    """Makes invitations, and shows the links of those that can still be used. Deleting one withdraws it."""

    form = _InvitationForm
    list_display = ("__str__", "created_by", "created_at", "expires_at", "used_at")
    list_select_related = ("created_by",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("email", "days") if obj is None else ("link", "email", *self.list_display[1:])

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else self.get_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        assert isinstance(request.user, User)  # noqa: S101 (nobody else gets here; for the type checker)
        made = invitations.make(request.user, obj.email, form.cleaned_data["days"])
        # The admin goes on with this object, which it has built itself.
        obj.pk = made.pk
        if made.email:
            sign_up.send(made)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """To the page with the link."""
        return redirect("admin:conversations_invitation_change", obj.pk)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="link")
    def link(self, invitation: Invitation) -> str:
        return sign_up.link(invitation) if invitation.is_open else "used or expired"


admin.site.register(Invitation, InvitationAdmin)


class AuthenticatorAdmin(ModelAdmin):
    """Lists second factors. One can be removed, for a user who lost it, but not read or changed."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("user__username", "user__email")
    list_select_related = ("user",)
    fields = ("user", "type", "created_at", "last_used_at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


admin.site.unregister(Authenticator)
admin.site.register(Authenticator, AuthenticatorAdmin)
