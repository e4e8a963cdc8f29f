"""Sharing debates with the members of their organisation."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from conversations.access import audit, permissions
from conversations.domain.enums import AuditAction, Sharing
from conversations.domain.errors import InvalidInput
from conversations.domain.sharing import ShareWith
from conversations.infrastructure import database
from conversations.models import Conversation, ConversationShare, Membership


@dataclass(frozen=True)
class Shared:
    """How a debate is shared, and the members whom it is shared with by name."""

    sharing: Sharing
    members: list[int]


def of(user: AbstractUser, conversation: UUID) -> Shared:
    """For who may share it. Raises NotFound and Forbidden."""
    found = permissions.share(user, conversation)
    people = found.shares.order_by("person").values_list("person", flat=True)
    return Shared(Sharing(found.sharing), [*people])


def change(user: AbstractUser, conversation: UUID, wish: ShareWith) -> Shared:
    """Share it in this way from now on. Connections of those who may not watch it any more are closed within five
    seconds. Raises NotFound, Forbidden, and InvalidInput for somebody who is not a member; then nothing is changed."""
    found = permissions.share(user, conversation)
    members = Membership.objects.filter(organisation=found.organisation_id, person__in=wish.members)
    with database.writing(), transaction.atomic():
        people = sorted(members.values_list("person", flat=True))
        if unknown := {*wish.members}.difference(people):
            raise InvalidInput.of(
                "members", "no_member", f"{min(unknown)} is not a member of the organisation."
            )
        Conversation.objects.filter(pk=found.pk).update(sharing=wish.sharing)
        ConversationShare.objects.filter(conversation=found).delete()
        ConversationShare.objects.bulk_create(
            ConversationShare(conversation=found, person_id=person) for person in people
        )
        audit.record(
            AuditAction.DEBATE_SHARED,
            user,
            f"conversation:{found.pk}",
            sharing=wish.sharing,
            owner=found.owner_id,
        )
    return Shared(wish.sharing, people)
