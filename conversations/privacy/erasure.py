"""Erasing a person: everything that is about them goes, except under legal hold.

1. `begin` refuses what must not be erased, and disables the account, so that nothing new begins.
2. `step` deletes some of their conversations, one transaction each, until none is left.
3. The last step deletes the account. The audit trail, the ledger and other people's debates keep a pseudonym instead,
   which is made for this and stored with no name.

A process may stop in between: housekeeping continues.
"""

import secrets
from typing import Final

import structlog
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AbstractUser, User
from django.contrib.sessions.models import Session
from django.db import transaction

from conversations.access import audit, organisations
from conversations.domain.enums import AuditAction, DeletionReason
from conversations.domain.errors import NotErasable, NotFound
from conversations.event_log import pseudonyms
from conversations.infrastructure import database
from conversations.models import (
    Conversation,
    Erasure,
    Invitation,
    LedgerEntry,
    LegalHold,
    OrganisationInvitation,
)
from conversations.privacy import deletion, holds, inventory

logger = structlog.get_logger(__name__)

# Conversations that one step deletes.
BATCH: Final = 20


def erase(person: int, by: AbstractUser | None) -> None:
    """Erase the person now. `by` is None for the server's operator. Raises NotFound and NotErasable."""
    begin(person, by)
    finish(person)


def begin(person: int, by: AbstractUser | None) -> None:
    """Disable the account and note that it is to be erased. Raises NotFound and NotErasable; then nothing is
    changed."""
    try:
        with transaction.atomic():
            user = _locked(person)
            if user is None:
                raise NotFound("There is no such person.")
            require_erasable(user)
            User.objects.filter(pk=person).update(is_active=False)
            Erasure.objects.get_or_create(person_id=person)
            audit.record(AuditAction.ERASURE_BEGUN, by, f"user:{person}")
    except NotErasable:
        audit.record(AuditAction.ERASURE_REFUSED, by, f"user:{person}")
        raise


def require_erasable(user: AbstractUser) -> None:
    """Raises NotErasable with the reason why this person cannot be erased now."""
    holds.require_none_on_person(user.pk)
    running = Conversation.objects.running().filter(owner_id=user.pk).count()
    if running:
        raise NotErasable(
            f"{running} {'debate is' if running == 1 else 'debates are'} still running. Stop"
            f" {'it' if running == 1 else 'them'}, or wait for the end, and try again."
        )
    if (alone := organisations.left_alone(user)) is not None:
        raise NotErasable(
            f"This is the last owner of the organisation {alone.name}. Make another member an owner first."
        )
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    if user.is_superuser and not others.exists():
        raise NotErasable("This is the site's only administrator. Give somebody else that role first.")


def finish(person: int) -> None:
    """Erase a person for whom `begin` was called. Raises NotErasable if a hold was placed in the meantime."""
    while not step(person):
        pass


def step(person: int) -> bool:
    """Delete up to BATCH conversations, or, if there are none left, the account; returns whether it is gone. Raises
    NotErasable if a hold was placed in the meantime."""
    owned = Conversation.objects.filter(owner_id=person).order_by("created_at")
    if batch := list(owned.values_list("pk", flat=True)[:BATCH]):
        for conversation in batch:
            deletion.delete(conversation, DeletionReason.ERASURE)
        return False
    # Reading all sessions may take long, so it precedes the transaction. Nobody can sign in to the account any more.
    sessions = _sessions(person)
    with database.writing(), transaction.atomic():
        user = _locked(person)
        if user is not None:
            holds.require_none_on_person(person)
            Session.objects.filter(pk__in=sessions).delete()
            _delete(user)
    return True


def _locked(person: int) -> User | None:
    return User.objects.select_for_update().filter(pk=person).first()


def _sessions(person: int) -> list[str]:
    """The keys of all of the person's sessions, which only their contents tell."""
    found = Session.objects.iterator(chunk_size=500)
    return [row.pk for row in found if row.get_decoded().get(SESSION_KEY) == str(person)]


def _delete(user: User) -> None:
    known = inventory.person(user)
    pseudonym = f"erased-{secrets.token_hex(8)}"
    LogEntry.objects.filter(inventory.logged(known)).update(
        object_id=pseudonym, object_repr=pseudonym, change_message=""
    )
    Invitation.objects.filter(inventory.invited(known)).delete()
    OrganisationInvitation.objects.filter(inventory.invited(known)).delete()
    LedgerEntry.objects.filter(inventory.of_user(known)).update(key=pseudonym)
    # Only lifted ones are left.
    LegalHold.objects.filter(person=user).delete()
    pseudonyms.replace(user.username, user.pk, pseudonym)
    audit.pseudonymise(user.pk, pseudonym)
    user.delete()
    audit.record(AuditAction.ERASED, None, f"user:{pseudonym}")
    logger.info("person_erased", pseudonym=pseudonym)
