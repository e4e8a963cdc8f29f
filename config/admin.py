"""The admin site: its sign-in, and its models of allauth."""

from typing import TYPE_CHECKING, Any

from allauth.account.decorators import secure_admin_login
from allauth.mfa.admin import Authenticator
from allauth.socialaccount.admin import SocialApp, SocialToken
from allauth.usersessions.admin import UserSession
from django import forms
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.accounts import sign_up, usernames
from conversations.access import invitations
from conversations.models import Invitation

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


class UserAdmin(DjangoUserAdmin):
    add_form = _UserCreationForm
    form = _UserChangeForm


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
