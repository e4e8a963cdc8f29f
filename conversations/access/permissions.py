"""Rights: what a user may do. Every page and transport asks here before it accesses a channel group, a log or a file,
and again while a connection is open.

| right | function |
| --- | --- |
| watch, control, speak | of one conversation: `watch`, `control`, `speak`; of many at once: `rights_of_all` |
| review | `may_review`, for every conversation |
| query | `query`, for a dataset |
| administer | `organisations.administer`, for an organisation |
"""

from collections.abc import Collection
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import QuerySet

from conversations.access import audit
from conversations.domain.enums import AuditAction
from conversations.domain.errors import Forbidden, NotFound
from conversations.models import Conversation, Dataset, DatasetQuerySet, Source

AnyUser = AbstractUser | AnonymousUser

NO_SUCH_DATASET: Final = "There is no such dataset."


class Rights(NamedTuple):
    """What a user may do with a conversation. `speak`: send messages to its panel. `control`: pause, resume and cancel
    it, and answer its agents' questions. `by_review`: they may watch it only because they review others' debates, so
    it is recorded. `creator` is the id of the person who started it."""

    watch: bool = False
    control: bool = False
    speak: bool = False
    by_review: bool = False
    creator: int | None = None


NO_RIGHTS: Final = Rights()


# Rights that concern all conversations


def may_review(user: AnyUser) -> bool:
    """Whether the user may watch every conversation: staff with the permission to review."""
    return user.is_active and user.is_staff and user.has_perm("conversations.review_conversation")


def may_control_all(user: AnyUser) -> bool:
    """Whether the user may control every conversation, and send announcements: reviewers with the permission to
    control."""
    return may_review(user) and user.has_perm("conversations.control_conversation")


# Rights to a conversation


def rights(user: AnyUser, conversation: Conversation) -> Rights:
    """What the user may do with the conversation: its creator everything, unless they have deleted it; and reviewers
    what their permissions say."""
    is_creator = user.pk == conversation.owner_id
    sees = is_creator and conversation.deleted_at is None
    reviews = not sees and may_review(user)
    speaks = is_creator and user.is_active
    return Rights(
        watch=sees or reviews,
        control=speaks or (reviews and may_control_all(user)),
        speak=speaks,
        by_review=reviews and not is_creator,
        creator=conversation.owner_id,
    )


def rights_of_all(asked: Collection[tuple[AnyUser, UUID]]) -> dict[tuple[Any, UUID], Rights]:
    """The rights of each of these users to the conversation beside them, by user id and conversation. Conversations
    that do not exist are left out. The number of queries does not depend on how many they are."""
    columns = ("owner", "deleted_at")
    found = Conversation.objects.only(*columns).in_bulk({conversation for _, conversation in asked})
    return {(user.pk, pk): rights(user, found[pk]) for user, pk in asked if pk in found}


def admit(user: AnyUser, conversation: UUID) -> tuple[Conversation, Rights]:
    """The conversation, for a user who may watch it, and what else they may do; a reviewer's reading is recorded.
    Raises NotFound if it does not exist or they may not."""
    found = Conversation.objects.filter(pk=conversation).first()
    may = NO_RIGHTS if found is None else rights(user, found)
    if found is None or not may.watch:
        raise NotFound("There is no such conversation.")
    note_reading(user, found.pk, may)
    return found, may


def note_reading(user: AnyUser, conversation: UUID, may: Rights) -> None:
    """Record that a user with these rights reads the conversation, if only a reviewer may."""
    if may.by_review:
        audit.note_reading(user, conversation, may.creator)


def watch(user: AnyUser, conversation: UUID) -> Conversation:
    """The conversation, for a user who may watch it; a reviewer's reading is recorded. Raises NotFound if it does not
    exist or they may not."""
    return admit(user, conversation)[0]


def control(user: AnyUser, conversation: UUID) -> Conversation:
    """The conversation, for a user who may control it. Raises NotFound if they may not watch it, and Forbidden if they
    may only watch."""
    found, may = admit(user, conversation)
    if not may.control:
        raise Forbidden("You may watch this debate, but not control it.")
    if not may.speak:
        audit.record(AuditAction.DEBATE_COMMANDED, user, f"conversation:{found.pk}")
    return found


def speak(user: AnyUser, conversation: UUID) -> Conversation:
    """The conversation, for a user who may send messages to its panel. Raises NotFound or Forbidden."""
    found, may = admit(user, conversation)
    if not may.speak:
        raise Forbidden("Only the owner of this debate may send messages to it.")
    return found


# Lists of conversations


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


def followers(user: AnyUser, conversation: Conversation) -> QuerySet[Conversation]:
    """The debates that follow the conversation and that the user may watch, oldest first."""
    return visible_to(user).filter(follows=conversation).order_by("created_at", "id")


# Datasets and sources


def datasets(user: AnyUser) -> DatasetQuerySet:
    """The datasets that the user may query, change and delete: those they uploaded; newest first."""
    return Dataset.objects.stored().filter(owner_id=user.pk)


def query(user: AnyUser, dataset: UUID) -> Dataset:
    """The dataset, for a user who may query it. Raises NotFound."""
    found = datasets(user).filter(pk=dataset).first()
    if found is None:
        raise NotFound(NO_SUCH_DATASET)
    return found


def sources(user: AnyUser) -> QuerySet[Source]:
    """The sources that the user may put into debates: those they uploaded."""
    return Source.objects.filter(owner_id=user.pk)
