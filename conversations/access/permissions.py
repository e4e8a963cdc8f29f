"""Permissions: what a user may do. Every page and transport checks them before it accesses a channel group or a log."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import QuerySet

from conversations.access import audit
from conversations.domain.enums import AuditAction
from conversations.domain.errors import Forbidden, NotFound
from conversations.models import Conversation

AnyUser = AbstractUser | AnonymousUser


def may_review(user: AnyUser) -> bool:
    """Whether the user may watch every conversation: staff with the permission to review."""
    return user.is_active and user.is_staff and user.has_perm("conversations.review_conversation")


def may_speak(user: AnyUser, conversation: Conversation) -> bool:
    """Whether the user may send messages to the panel: the conversation's owner only."""
    return user.is_active and conversation.owner_id == user.pk


def may_control(user: AnyUser, conversation: Conversation) -> bool:
    """Whether the user may pause, resume and cancel the conversation, and answer its agents' questions: its owner, and
    reviewers with the permission to control."""
    return may_speak(user, conversation) or may_control_all(user)


def may_control_all(user: AnyUser) -> bool:
    """Whether the user may control every conversation, and send announcements: reviewers with the permission to
    control."""
    return may_review(user) and user.has_perm("conversations.control_conversation")


def own(user: AnyUser) -> QuerySet[Conversation]:
    """The conversations that the user started, newest first."""
    if not user.is_authenticated:
        return Conversation.objects.none()
    return Conversation.objects.filter(owner_id=user.pk)


def visible_to(user: AnyUser) -> QuerySet[Conversation]:
    """The conversations that the user may watch, newest first."""
    return Conversation.objects.all() if may_review(user) else own(user)


def may_watch(user: AnyUser, owner: Any) -> bool:
    """Whether the user may watch a conversation of the owner with this id: the owner, and reviewers."""
    return (user.is_authenticated and owner == user.pk) or may_review(user)


def owners(conversations: Iterable[UUID]) -> dict[UUID, Any]:
    """The owners' ids by conversation, for those of the conversations that exist."""
    found = Conversation.objects.only("owner").in_bulk(conversations)
    return {pk: conversation.owner_id for pk, conversation in found.items()}


def watch(user: AnyUser, conversation: UUID) -> Conversation:
    """The conversation, for a user who may watch it; reading somebody else's is recorded. Raises NotFound if it does
    not exist or they may not."""
    found = Conversation.objects.filter(pk=conversation).first()
    if found is None or not may_watch(user, found.owner_id):
        raise NotFound("There is no such conversation.")
    audit.note_reading(user, found.pk, found.owner_id)
    return found


def control(user: AnyUser, conversation: UUID) -> Conversation:
    """The conversation, for a user who may control it. Raises NotFound if they may not watch it, and Forbidden if they
    may only watch."""
    found = watch(user, conversation)
    if not may_control(user, found):
        raise Forbidden("You may watch this debate, but not control it.")
    if not may_speak(user, found):
        audit.record(AuditAction.DEBATE_COMMANDED, user, f"conversation:{found.pk}")
    return found


def speak(user: AnyUser, conversation: UUID) -> Conversation:
    """The conversation, for a user who may send messages to its panel. Raises NotFound or Forbidden."""
    found = watch(user, conversation)
    if not may_speak(user, found):
        raise Forbidden("Only the owner of this debate may send messages to it.")
    return found
