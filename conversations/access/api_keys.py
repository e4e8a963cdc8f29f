"""API keys, with which programs sign in.

A key reads `oc_<8 characters>_<43 characters>`; the part before the second underscore is its visible prefix. It is
shown once, when it is made, and only its SHA-256 is stored. A slow, salted hash is for passwords, which can be guessed;
a key has 256 random bits. Keys are looked up by their hash, so the time of a lookup reveals nothing about a key.
"""

import re
import secrets
import string
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import structlog
from allauth.account.adapter import get_adapter
from allauth.core import context
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from conversations.access import audit
from conversations.domain.enums import AuditAction
from conversations.domain.errors import InvalidInput, KeyExpired, LimitReached, NotFound, Problem
from conversations.domain.requests import NewKey
from conversations.infrastructure import database
from conversations.models import ApiKey, ApiKeyQuerySet, longest_life

logger = structlog.get_logger(__name__)

# The most keys that one user can have.
MAX_KEPT: Final = 20
# `last_used_at` is written at most this often.
USE_NOTED_EVERY: Final = timedelta(minutes=1)
# How long writing it may wait for another connection's lock on a SQLite database.
NOTING_SECONDS: Final = 0.25
UNKNOWN: Final = "There is no such key."

_SHAPE = re.compile(r"oc_[a-zA-Z0-9]{8}_[a-zA-Z0-9_-]{43}")
_LETTERS = string.ascii_letters + string.digits


def find(text: str) -> ApiKey | None:
    """The key with this text, with its owner, in one query; None if it is unknown, revoked or expired, or its owner is
    disabled. Updates `last_used_at`."""
    if not _SHAPE.fullmatch(text):
        return None
    found = ApiKey.objects.live().select_related("owner").filter(digest=_digest(text)).first()
    if found is not None:
        _note_use(found)
    return found


def create(owner: AbstractUser, new: NewKey) -> tuple[ApiKey, str]:
    """A new key, and its text, which is not stored. Raises LimitReached; and InvalidInput if it would live longer than
    OUTCRY_KEY_DAYS allows."""
    _require_an_end(new)
    prefix, text = _new_secret()
    with transaction.atomic():
        # Lock the owner's row, so that two concurrent requests cannot both make the last key.
        get_user_model().objects.select_for_update().get(pk=owner.pk)
        if listed(owner).count() >= MAX_KEPT:
            raise LimitReached(f"You have reached the limit of {MAX_KEPT} keys. Revoke one first.")
        made = ApiKey.objects.create(
            owner_id=owner.pk,
            name=new.name,
            prefix=prefix,
            digest=_digest(text),
            scopes=[scope.value for scope in new.scopes],
            expires_at=new.expires_at,
        )
        _record(AuditAction.KEY_CREATED, made, scopes=made.scopes)
    logger.info("key_created", key=str(made.pk), user=owner.pk)
    return made, text


def announce(key: ApiKey) -> None:
    """Mail its owner about a key that was made or has a new secret, with the address and the browser of the request.
    Takes as long as a mail server does, so call it in no thread that others wait for. Raises nothing: the key stays."""
    if context.request is None:
        return
    try:
        get_adapter().send_notification_mail("account/email/api_key_made", key.owner, {"key": key})
    except Exception:
        logger.exception("key_not_announced", key=str(key.pk))


def rotate(owner: AbstractUser, key: UUID) -> tuple[ApiKey, str]:
    """Replace the secret of the owner's key; returns the key and its new text. The old text is invalid from now on.
    Raises NotFound and KeyExpired."""
    prefix, text = _new_secret()
    with transaction.atomic():
        found = listed(owner).select_for_update().filter(pk=key).first()
        if found is None:
            raise NotFound(UNKNOWN)
        if found.has_expired:
            raise KeyExpired("This key has expired. Make a new one.")
        found.prefix, found.digest, found.last_used_at = prefix, _digest(text), None
        found.save(update_fields=["prefix", "digest", "last_used_at"])
        _record(AuditAction.KEY_ROTATED, found)
    logger.info("key_rotated", key=str(key), user=owner.pk)
    return found, text


def revoke(owner: AbstractUser, key: UUID) -> None:
    """Make the owner's key invalid. Raises NotFound."""
    if not listed(owner).filter(pk=key).revoke():
        raise NotFound(UNKNOWN)
    audit.record(AuditAction.KEY_REVOKED, owner, f"key:{key}")
    logger.info("key_revoked", key=str(key), user=owner.pk)


def revoke_all(owner: AbstractUser) -> int:
    """Make all of the owner's keys invalid; returns how many."""
    revoked = listed(owner).revoke()
    if revoked:
        audit.record(AuditAction.KEY_REVOKED, owner, f"user:{owner.pk}", number=revoked)
    logger.info("keys_revoked", user=owner.pk, number=revoked)
    return revoked


def listed(owner: AbstractUser) -> ApiKeyQuerySet:
    """The owner's keys that are not revoked, including expired ones, newest first."""
    return ApiKey.objects.kept().filter(owner_id=owner.pk)


def _require_an_end(new: NewKey) -> None:
    longest = longest_life()
    if longest is None:
        return
    # A day more, for a page that has been open for a while and clients whose clock is fast.
    if new.expires_at is None or new.expires_at > timezone.now() + longest + timedelta(days=1):
        days = f"{longest.days} days"
        raise InvalidInput([Problem("expires_at", "too_late", f"A key is valid for at most {days} here.")])


def _record(action: AuditAction, key: ApiKey, **detail: Any) -> None:
    audit.record(action, key.owner, f"key:{key.pk}", **detail)


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is not None and now - key.last_used_at < USE_NOTED_EVERY:
        return
    due = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
    try:
        with database.lock_timeout(NOTING_SECONDS):
            ApiKey.objects.filter(due, pk=key.pk, digest=key.digest).update(last_used_at=now)
    except database.FAILURES as failure:
        # A later use will update it.
        logger.warning("key_use_not_noted", key=str(key.pk), failure=str(failure))


def _new_secret() -> tuple[str, str]:
    prefix = "oc_" + "".join(secrets.choice(_LETTERS) for _ in range(8))
    return prefix, f"{prefix}_{secrets.token_urlsafe(32)}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
