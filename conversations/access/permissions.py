"""Who may do what. Every page and transport asks here before it touches a group or a log."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import QuerySet

from conversations.access.principals import chunks
from conversations.domain.errors import Forbidden, NotFound
from conversations.models import Conversation

Person = AbstractUser | AnonymousUser


def may_review(person: Person) -> bool:
    """Whether they see everybody's conversations: staff with the right to review."""
    return (
        person.is_authenticated
        and person.is_active
        and person.is_staff
        and person.has_perm("conversations.review_conversation")
    )


def may_speak(person: Person, conversation: Conversation) -> bool:
    """Whether they may say something to the panel: its owner, and nobody else."""
    return person.is_authenticated and person.is_active and conversation.owner_id == person.pk


def may_control(person: Person, conversation: Conversation) -> bool:
    """Whether they may pause, resume and cancel it, and answer its agents' questions: its owner, and reviewers with
    the right to."""
    return may_speak(person, conversation) or may_control_all(person)


def may_control_all(person: Person) -> bool:
    """Whether they may do that to everybody's, and speak to all who watch: reviewers with the right to."""
    return may_review(person) and person.has_perm("conversations.control_conversation")


def own(person: Person) -> QuerySet[Conversation]:
    """The conversations they started, newest first."""
    if not person.is_authenticated:
        return Conversation.objects.none()
    return Conversation.objects.filter(owner_id=person.pk)


def visible_to(person: Person) -> QuerySet[Conversation]:
    """Every conversation they may watch, newest first."""
    return Conversation.objects.all() if may_review(person) else own(person)


def may_watch(person: Person, owner: Any) -> bool:
    """Whether they may watch a conversation of the owner with this id: their own, and reviewers everybody's."""
    return (person.is_authenticated and owner == person.pk) or may_review(person)


def owners(conversations: Iterable[UUID]) -> dict[UUID, Any]:
    """The ids of the owners of those of these conversations that exist, by conversation."""
    rows = Conversation.objects.values_list("pk", "owner_id")
    return {pk: owner for chunk in chunks(conversations) for pk, owner in rows.filter(pk__in=chunk)}


def watch(person: Person, conversation: UUID) -> Conversation:
    """The conversation, for someone who may watch it. Raises NotFound, whether it is unknown or not theirs."""
    found = Conversation.objects.filter(pk=conversation).first()
    if found is None or not may_watch(person, found.owner_id):
        raise NotFound("There is no such conversation.")
    return found


def control(person: Person, conversation: UUID) -> Conversation:
    """The conversation, for someone who may control it. Raises NotFound where they may not even watch, else
    Forbidden."""
    found = watch(person, conversation)
    if not may_control(person, found):
        raise Forbidden("You may watch this debate, but not control it.")
    return found


def speak(person: Person, conversation: UUID) -> Conversation:
    """The conversation, for someone who may say something to its panel. Raises NotFound or Forbidden."""
    found = watch(person, conversation)
    if not may_speak(person, found):
        raise Forbidden("Only its owner may speak in this debate.")
    return found
