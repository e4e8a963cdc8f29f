"""Invitations: each lets one person sign up, by a signed link that expires."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.core.signing import BadSignature, Signer
from django.utils import timezone

from conversations.access import audit
from conversations.domain.enums import AuditAction
from conversations.models import Invitation

DEFAULT_DAYS: Final = 7
MAX_DAYS: Final = 90

_SALT: Final = "conversations.access.invitations"


def make(created_by: AbstractUser | None, email: str = "", days: int = DEFAULT_DAYS) -> Invitation:
    """A new invitation, for any address if none is given. `created_by` is None on the server's command line."""
    expires_at = timezone.now() + timedelta(days=days)
    creator = None if created_by is None else created_by.pk
    made = Invitation.objects.create(created_by_id=creator, email=email.lower(), expires_at=expires_at)
    audit.record(AuditAction.INVITED, created_by, f"invitation:{made.pk}", days=days)
    return made


def token(invitation: Invitation) -> str:
    """What its link contains. Without the signature, whoever reads the database could make links."""
    return Signer(salt=_SALT).sign(invitation.pk.hex)


def find(text: str) -> Invitation | None:
    """The invitation of this token; None if the token is not ours, or the invitation is used, expired or withdrawn."""
    try:
        pk = UUID(hex=Signer(salt=_SALT).unsign(text))
    except (BadSignature, ValueError):
        return None
    return Invitation.objects.open().filter(pk=pk).first()


def claim(invitation: Invitation) -> bool:
    """Use it; False if somebody else has been faster."""
    return Invitation.objects.open().filter(pk=invitation.pk).update(used_at=timezone.now()) == 1
