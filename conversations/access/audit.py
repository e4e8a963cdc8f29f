"""The audit trail: who signed in or failed to, who read whose debate, who changed what.

Entries are rows that nothing changes. They name people and things by id, and hold no secret: no password, key, code or
text of a debate, and of a name that nobody has only that there was one.
"""

from datetime import timedelta
from typing import Any, Final

from allauth.account.adapter import get_adapter
from allauth.core import context
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.utils import timezone

from conversations.domain.enums import AuditAction
from conversations.models import AuditEntry

# One entry for a debate that somebody goes on reading: pages ask again and again.
READING_NOTED_EVERY: Final = timedelta(hours=1)


def record(
    action: AuditAction, actor: AbstractUser | AnonymousUser | None, subject: str = "", **detail: Any
) -> None:
    """Add an entry. `subject` is what it was done to, as kind:id."""
    AuditEntry.objects.create(
        action=action,
        actor_id=None if actor is None else actor.pk,
        subject=subject,
        address=_address(),
        detail=detail,
    )


def note_reading(user: AbstractUser | AnonymousUser, conversation: Any, owner: Any) -> None:
    """Add an entry if the debate is somebody else's, at most once in READING_NOTED_EVERY."""
    if user.pk != owner:
        _note_reading(user, f"conversation:{conversation}", owner=owner)


def _note_reading(user: AbstractUser | AnonymousUser, subject: str, **detail: Any) -> None:
    since = timezone.now() - READING_NOTED_EVERY
    before = AuditEntry.objects.filter(actor_id=user.pk, action=AuditAction.TRANSCRIPT_READ, at__gt=since)
    if not before.filter(subject=subject).exists():
        record(AuditAction.TRANSCRIPT_READ, user, subject, **detail)


def note_review(user: AbstractUser, organisation: Any) -> None:
    """Add an entry for a list or search of an organisation's debates by somebody who reviews them, at most once in
    READING_NOTED_EVERY. What is found tells what was said."""
    _note_reading(user, f"organisation:{organisation}")


def note_settings(**values: str) -> None:
    """Add an entry if these settings differ from those of the last start."""
    last = AuditEntry.objects.filter(action=AuditAction.SETTINGS_CHANGED).first()
    if last is None or last.detail != values:
        record(AuditAction.SETTINGS_CHANGED, None, **values)


def about(person: int) -> Q:
    """The entries that name this person, as actor, subject, owner or member."""
    subjects = Q(subject__in=_subjects(person))
    return Q(actor_id=person) | subjects | Q(detail__owner=person) | Q(detail__member=person)


def pseudonymise(person: int, pseudonym: str) -> None:
    """Replace the person in all entries, which no other code changes. Their requests' addresses go, and so do the
    domains of their mail addresses, which may be names of their own."""
    # Not `objects`, which refuses changes.
    entries = AuditEntry._base_manager.filter(about(person))
    for entry in entries.values("pk", "actor_id", "subject", "detail", "address").iterator(chunk_size=500):
        changes: dict[str, Any] = {}
        is_subject = entry["subject"] in _subjects(person)
        if is_subject:
            changes["subject"] = f"{entry['subject'].rpartition(':')[0]}:{pseudonym}"
        if entry["actor_id"] == person:
            changes |= {"actor_id": None, "pseudonym": pseudonym}
        if entry["actor_id"] == person or (is_subject and entry["actor_id"] is None):
            changes["address"] = None
        detail = {name: value for name, value in entry["detail"].items() if name != "domain"}
        for name in ("owner", "member"):
            if detail.get(name) == person:
                detail[name] = pseudonym
        AuditEntry._base_manager.filter(pk=entry["pk"]).update(**changes, detail=detail)


def _subjects(person: int) -> set[str]:
    return {f"user:{person}", f"auth.user:{person}"}


def _address() -> str | None:
    """The client's, of the request that Django answers; None for streams and sockets, and where it cannot be told."""
    if context.request is None:
        return None
    try:
        found: str = get_adapter().get_client_ip(context.request)
    except PermissionDenied:
        return None
    return found
