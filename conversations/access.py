"""Who may do what. Every page and transport asks here before it touches a group or a log."""

from uuid import UUID

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import QuerySet

from conversations.errors import NotFound
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


def own(person: Person) -> QuerySet[Conversation]:
    """The conversations they started, newest first."""
    if not person.is_authenticated:
        return Conversation.objects.none()
    return Conversation.objects.filter(owner_id=person.pk)


def visible_to(person: Person) -> QuerySet[Conversation]:
    """Every conversation they may watch, newest first."""
    return Conversation.objects.all() if may_review(person) else own(person)


def watch(person: Person, conversation: UUID) -> Conversation:
    """The conversation, for someone who may watch it. Raises NotFound, whether it is unknown or not theirs."""
    found = visible_to(person).filter(pk=conversation).first()
    if found is None:
        raise NotFound("There is no such conversation.")
    return found
