"""Permissions: what a user may do. Every page and transport checks them before it accesses a channel group or a log."""

from collections.abc import Iterable
from typing import NamedTuple
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
    """The conversations that the user started and has not deleted, newest first."""
    return own_with_deleted(user).filter(deleted_at=None)


def own_with_deleted(user: AnyUser) -> QuerySet[Conversation]:
    """The conversations that the user started, newest first; also deleted ones, which can be restored."""
    if not user.is_authenticated:
        return Conversation.objects.none()
    return Conversation.objects.filter(owner_id=user.pk)


def visible_to(user: AnyUser) -> QuerySet[Conversation]:
    """The conversations that the user may watch, newest first."""
    return Conversation.objects.all() if may_review(user) else own(user)


class Ownership(NamedTuple):
    """A conversation's owner, by id, and whether they have deleted it."""

    owner: int
    is_deleted: bool


def followers(user: AnyUser, conversation: Conversation) -> QuerySet[Conversation]:
    """The debates that follow the conversation and that the user may watch, oldest first."""
    return visible_to(user).filter(follows=conversation).order_by("created_at", "id")


def may_watch(user: AnyUser, of: Ownership) -> bool:
    """Whether the user may watch such a conversation: its owner, unless they have deleted it, and reviewers."""
    is_theirs = user.is_authenticated and of.owner == user.pk
    return (is_theirs and not of.is_deleted) or may_review(user)


def ownerships(conversations: Iterable[UUID]) -> dict[UUID, Ownership]:
    """Whose these conversations are; those that do not exist are left out."""
    found = Conversation.objects.only("owner", "deleted_at").in_bulk(conversations)
    return {pk: _ownership(conversation) for pk, conversation in found.items()}


def _ownership(conversation: Conversation) -> Ownership:
    return Ownership(conversation.owner_id, conversation.deleted_at is not None)


def watch(user: AnyUser, conversation: UUID) -> Conversation:
    """The conversation, for a user who may watch it; reading somebody else's is recorded. Raises NotFound if it does
    not exist or they may not."""
    found = Conversation.objects.filter(pk=conversation).first()
    if found is None or not may_watch(user, _ownership(found)):
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
