"""Adapters for allauth: mails lead to the site's own address, second factors are stored encrypted, and an unknown
provider is a 404."""

import base64
from collections.abc import Sequence
from typing import Any, Final

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest
from django.utils.crypto import salted_hmac

from config.accounts import audit_trail, lockout, mails, sign_up, usernames
from conversations.access import audit, second_factor
from conversations.domain.enums import AuditAction

logger = structlog.get_logger(__name__)

# Part of the key that encrypts every stored second factor. Changing it makes them unreadable; it only looks like an
# import path.
_SECOND_FACTOR_SALT: Final = "config.adapters.MFAAdapter"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is not typed
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Also without a request."""
        self.render_mail(template_prefix, email, {"email": email, **mails.context(context)}).send()

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Raises ValidationError after too many wrong passwords."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            audit_trail.note_failure(credentials, locked=True)
            raise

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Raises ValidationError. Also called for names that a sign-in provider proposes."""
        usernames.validate(username)
        cleaned: str = super().clean_username(username, shallow)
        return cleaned

    def clean_email(self, email: str) -> str:
        """Raises ValidationError for an address that may not sign up."""
        cleaned: str = super().clean_email(email)
        sign_up.validate_email(context.request, cleaned)
        return cleaned

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return sign_up.is_open(request)

    def save_user(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Raises ImmediateHttpResponse if somebody else has used the invitation in the meantime."""
        with sign_up.using_invitation(request):
            return super().save_user(request, *args, **kwargs)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        return lockout.key(credentials.get("username") or credentials.get("email") or "")


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is not typed
    """Encrypts TOTP secrets and the seeds of recovery codes with keys made from SECRET_KEY."""

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Whether its owner may remove it. Administrators remove one that was lost, in the admin."""
        return not second_factor.is_required(authenticator.user)

    def encrypt(self, text: str) -> str:
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises ValidationError, which forms show, if SECRET_KEY has changed since the encryption."""
        try:
            return _fernet().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            # Do not return a placeholder: valid codes could be computed from it.
            logger.exception("second_factor_unreadable", hint="Add the earlier key to SECRET_KEY_FALLBACKS.")
            raise ValidationError(
                "Your second factor cannot be checked on this server. Ask its administrator.",
                code="unreadable",
            ) from None


def _fernet() -> MultiFernet:
    return MultiFernet([_key(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str) -> Fernet:
    digest = salted_hmac(_SECOND_FACTOR_SALT, "", secret=secret, algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(digest))


class UserSessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]  # allauth is not typed
    def end_sessions(self, sessions: Sequence[UserSession]) -> None:
        super().end_sessions(sessions)
        for user in {session.user for session in sessions}:
            audit.record(AuditAction.SESSIONS_ENDED, user, f"user:{user.pk}", number=len(sessions))


class NotConfigured(SocialApp.DoesNotExist, Http404):  # type: ignore[misc]  # allauth is not typed
    """The provider is not configured. allauth catches this when it searches for one; elsewhere it becomes a 404."""


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth is not typed
    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> Any:
        """Without a form, the provider has told all that it asks for. Raises ImmediateHttpResponse if this person may
        not sign up."""
        if form is not None:
            return super().save_user(request, sociallogin, form)
        sign_up.require_email(request, sociallogin.user.email)
        with sign_up.using_invitation(request):
            return super().save_user(request, sociallogin)

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> SocialApp:
        """Raises NotConfigured."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist:
            raise NotConfigured from None
