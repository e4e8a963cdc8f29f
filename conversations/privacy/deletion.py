"""Deleting a conversation with everything that it has left, in one transaction. A record of the deletion stays."""

from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction

from conversations.domain.enums import DeletionReason
from conversations.domain.errors import NotErasable
from conversations.infrastructure import database
from conversations.models import (
    ComposedPanel,
    Conversation,
    ConversationPanel,
    ConversationSource,
    Deletion,
    Delivery,
    Event,
    LegalHold,
    PanelVersion,
    Reservation,
    Source,
    ThreadRun,
)
from conversations.privacy import holds
from conversations.search import index


def delete(conversation: UUID, reason: DeletionReason) -> bool:
    """Delete a conversation that has ended; returns False if there is none. The ledger keeps what it cost.

    Raises NotErasable if it is running or under legal hold."""
    owner = Conversation.objects.filter(pk=conversation).values_list("owner", flat=True).first()
    if owner is None:
        return False
    # 30 ms for 5,000 events on SQLite, for which the log of a live debate waits.
    with database.writing(), transaction.atomic():
        # Locked in one order: the owner, whom a hold may be placed on at the same time, and then the conversation.
        list(get_user_model().objects.select_for_update(no_key=True).filter(pk=owner).values_list("pk"))
        row = Conversation.objects.select_for_update().defer("content").filter(pk=conversation).first()
        if row is None:
            return False
        if not row.is_finished:
            raise NotErasable("This debate is still running. Stop it, or wait until it has ended.")
        holds.require_none_on_conversation(row.pk, row.owner_id)
        _delete(row, reason)
    return True


def _delete(row: Conversation, reason: DeletionReason) -> None:
    digest = str((row.verdict or {}).get("transcript_sha256", ""))
    Deletion.objects.create(conversation=row.pk, transcript_sha256=digest, reason=reason)
    # The log's manager refuses deletions, and so does Django for rows that refer to the conversation.
    Event._base_manager.filter(conversation=row)._raw_delete("default")
    index.remove(row.pk)
    Delivery.objects.filter(conversation=row).delete()
    ThreadRun.objects.filter(conversation=row).delete()
    _delete_sources(row)
    _delete_panel(row)
    # Only lifted ones are left.
    LegalHold.objects.filter(conversation=row).delete()
    Reservation.objects.filter(conversation=row).update(conversation=None)
    row.delete()


def _delete_sources(row: Conversation) -> None:
    """Delete the conversation's sources, unless another one uses them."""
    sources = list(row.source_links.values_list("source", flat=True))
    ConversationSource.objects.filter(conversation=row).delete()
    Source.objects.filter(pk__in=sources, links=None).delete()


def _delete_panel(row: Conversation) -> None:
    """Delete the conversation's link to a version of a panel, and the panel if its owner has."""
    panel = ComposedPanel.objects.filter(versions__links__conversation=row, deleted_at__isnull=False).first()
    ConversationPanel.objects.filter(conversation=row).delete()
    if panel is not None:
        delete_unused(panel)


def delete_unused(panel: ComposedPanel) -> None:
    """Delete the versions of a deleted panel that no conversation runs with, and the panel with the last one."""
    PanelVersion.objects.filter(panel=panel, links=None).delete()
    if not panel.versions.exists():
        panel.delete()
