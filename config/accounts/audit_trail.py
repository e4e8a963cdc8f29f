"""What allauth and Django's administration tell of people and their accounts, as entries of the audit trail."""

from collections.abc import Callable, Mapping
from typing import Any

from allauth.account import signals as account
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as social
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.db.models.signals import post_save
from django.dispatch import Signal, receiver

from config.accounts import lockout
from conversations.access import audit
from conversations.domain.enums import AuditAction

# The person whom a signal is about, and what the entry has beside them.
Subject = tuple[AbstractUser, dict[str, str]]


def note_failure(credentials: Mapping[str, Any], *, locked: bool = False) -> None:
    """A failed sign-in. What was typed is not kept: people type passwords into the field for the name."""
    login = credentials.get("username") or credentials.get("email") or ""
    found = lockout.person(str(login))
    subject = "" if found is None else f"user:{found.pk}"
    audit.record(AuditAction.SIGN_IN_FAILED, None, subject, locked=locked)


@receiver(user_login_failed)
def sign_in_failed(credentials: Mapping[str, Any], **_: Any) -> None:
    note_failure(credentials)


@receiver(account.user_signed_up)
def signed_up(user: AbstractUser, **_: Any) -> None:
    _of(AuditAction.SIGNED_UP, user, sign_up=settings.OUTCRY_SIGN_UP)


@receiver(user_logged_out)
def signed_out(user: AbstractUser | None, **_: Any) -> None:
    # None: the session had ended already.
    if user is not None:
        _of(AuditAction.SIGNED_OUT, user)


def _of(action: AuditAction, user: AbstractUser, **detail: Any) -> None:
    audit.record(action, user, f"user:{user.pk}", **detail)


def _person(user: AbstractUser, **_: Any) -> Subject:
    return user, {}


def _address(email_address: EmailAddress, **_: Any) -> Subject:
    # By its domain, which tells an attacker's apart, and not by the person's name in it.
    return email_address.user, {"domain": email_address.email.rpartition("@")[2]}


def _factor(user: AbstractUser, authenticator: Authenticator, **_: Any) -> Subject:
    return user, {"type": authenticator.type}


def _connect(signal: Signal, action: AuditAction, subject: Callable[..., Subject]) -> None:
    def note(**sent: Any) -> None:
        user, detail = subject(**sent)
        _of(action, user, **detail)

    signal.connect(note, weak=False, dispatch_uid=f"audit {action}")


for _signal, _action, _subject in (
    (account.user_logged_in, AuditAction.SIGNED_IN, _person),
    (account.password_changed, AuditAction.PASSWORD_CHANGED, _person),
    (account.password_set, AuditAction.PASSWORD_CHANGED, _person),
    (account.password_reset, AuditAction.PASSWORD_RESET, _person),
    (account.email_changed, AuditAction.EMAIL_CHANGED, _person),
    (account.email_added, AuditAction.EMAIL_ADDED, _address),
    (account.email_confirmed, AuditAction.EMAIL_CONFIRMED, _address),
    (account.email_removed, AuditAction.EMAIL_REMOVED, _address),
    (mfa.authentication_failed, AuditAction.SECOND_FACTOR_FAILED, _person),
    (mfa.authenticator_added, AuditAction.SECOND_FACTOR_ADDED, _factor),
    (mfa.authenticator_removed, AuditAction.SECOND_FACTOR_REMOVED, _factor),
    (mfa.authenticator_reset, AuditAction.SECOND_FACTOR_RESET, _factor),
):
    _connect(_signal, _action, _subject)


@receiver(social.social_account_added)
def provider_added(sociallogin: Any, **_: Any) -> None:
    _of(AuditAction.PROVIDER_ADDED, sociallogin.user, provider=sociallogin.account.provider)


@receiver(social.social_account_removed)
def provider_removed(socialaccount: Any, **_: Any) -> None:
    _of(AuditAction.PROVIDER_REMOVED, socialaccount.user, provider=socialaccount.provider)


# The administration


@receiver(post_save, sender=LogEntry)
def admin_changed(instance: LogEntry, created: bool, **_: Any) -> None:
    """Which object was added, changed or deleted; the administration's own log says which fields, and can be edited in
    the database only."""
    if not created or instance.content_type is None:
        return
    subject = f"{instance.content_type.app_label}.{instance.content_type.model}:{instance.object_id}"
    audit.record(AuditAction.ADMIN_CHANGED, instance.user, subject, did=instance.get_action_flag_display())
