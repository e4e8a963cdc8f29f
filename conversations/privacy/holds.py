"""Legal holds: what is under one is not deleted, neither by retention nor by erasure."""

from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from conversations.access import audit
from conversations.domain.enums import AuditAction
from conversations.domain.errors import NotErasable, NotFound
from conversations.models import Conversation, LegalHold

# No conversation has this id.
_NONE = UUID(int=0)


def place(hold: LegalHold, by: AbstractUser) -> None:
    """Store a new hold. Raises NotFound if what it holds has been deleted in the meantime."""
    with transaction.atomic():
        # Deletions lock the same rows before they look for holds.
        rows: list[object] = [
            *get_user_model().objects.select_for_update(no_key=True).filter(pk=hold.person_id or 0),
            *Conversation.objects.select_for_update(no_key=True).filter(pk=hold.conversation_id or _NONE),
        ]
        if not rows:
            raise NotFound("This has been deleted in the meantime.")
        hold.placed_by_id = by.pk
        hold.save(force_insert=True)
        audit.record(AuditAction.HOLD_PLACED, by, hold.subject, hold=hold.pk)


def lift(hold: LegalHold, by: AbstractUser) -> bool:
    """Lift the hold; returns False if it is not active any more."""
    with transaction.atomic():
        active = LegalHold.objects.active().filter(pk=hold.pk)
        if not active.update(lifted_at=timezone.now(), lifted_by_id=by.pk):
            return False
        audit.record(AuditAction.HOLD_LIFTED, by, hold.subject, hold=hold.pk)
    return True


def require_none_on_conversation(conversation: UUID, owner: int) -> None:
    """Raises NotErasable if the conversation or its owner is under an active hold."""
    _require_none(Q(conversation=conversation) | Q(person=owner))


def require_none_on_person(person: int) -> None:
    """Raises NotErasable if the person or one of their conversations is under an active hold."""
    _require_none(Q(person=person) | Q(conversation__owner=person))


def _require_none(on: Q) -> None:
    hold = LegalHold.objects.active().filter(on).first()
    if hold is not None:
        raise NotErasable(
            f"Under legal hold since {hold.placed_at:%Y-%m-%d}: {hold.reason.rstrip('.')}."
            " Nothing is deleted until the hold is lifted."
        )
