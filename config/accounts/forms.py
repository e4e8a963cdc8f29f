"""Forms of allauth with one thing more: a new password may end the API keys, too."""

from typing import Any

from allauth.account import forms as account
from django import forms

from conversations.access import api_keys


class _MayRevokeKeys(forms.Form):
    """`user` has their password changed. Who has keys is asked about them: a password ends sessions, but no keys."""

    user: Any
    # Who has forgotten a password may have lost it to somebody who has made keys since.
    revokes_by_default = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        number = api_keys.listed(self.user).count() if self.user else 0
        if number:
            self.fields["revoke_keys"] = forms.BooleanField(
                required=False,
                initial=self.revokes_by_default,
                label=f"Also revoke my API key{f's, all {number}' if number > 1 else ''}",
            )

    def save(self) -> None:
        super().save()  # type: ignore[misc]  # of allauth's form
        if self.cleaned_data.get("revoke_keys"):
            api_keys.revoke_all(self.user)


class ChangePasswordForm(_MayRevokeKeys, account.ChangePasswordForm):  # type: ignore[misc]  # allauth is not typed
    pass


class ResetPasswordKeyForm(_MayRevokeKeys, account.ResetPasswordKeyForm):  # type: ignore[misc]  # allauth is not typed
    revokes_by_default = True
