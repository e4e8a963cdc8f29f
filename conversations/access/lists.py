"""Lists: the conversations, datasets and sources of a user's scope."""

from uuid import UUID

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import Q, QuerySet

from conversations.access import audit, organisations, staff
from conversations.domain.enums import Role, Sharing
from conversations.models import (
    Conversation,
    ConversationShare,
    Dataset,
    DatasetQuerySet,
    Membership,
    Source,
)

AnyUser = AbstractUser | AnonymousUser


def own(user: AnyUser) -> QuerySet[Conversation]:
    """The conversations that the user started and has not deleted, newest first, as far as they may change them."""
    return own_with_deleted(user).filter(deleted_at=None)


def own_with_deleted(user: AnyUser) -> QuerySet[Conversation]:
    """The conversations that the user started, newest first, as far as they may change them: personal ones, and those
    of organisations in which they may start debates. Also deleted ones, which can be restored."""
    if not user.is_authenticated:
        return Conversation.objects.none()
    may_start = [role for role in Role if role.contributes]
    contributing = _memberships(user).filter(role__in=may_start).values("organisation")
    scope = Q(organisation=None) | Q(organisation__in=contributing)
    return Conversation.objects.filter(scope, owner_id=user.pk)


def personal(user: AnyUser) -> QuerySet[Conversation]:
    """The user's personal conversations that they have not deleted, newest first."""
    if not user.is_authenticated:
        return Conversation.objects.none()
    return Conversation.objects.filter(owner_id=user.pk, organisation=None, deleted_at=None)


def shared(user: AbstractUser, organisation: UUID) -> QuerySet[Conversation]:
    """The organisation's conversations that the user started, or that are shared with them, newest first. Raises
    NotFound if they are not a member."""
    organisations.member(user, organisation)
    return Conversation.objects.filter(_is_seen_by(user), organisation=organisation, deleted_at=None)


def reviewable(user: AbstractUser, organisation: UUID) -> QuerySet[Conversation]:
    """All of the organisation's conversations, newest first, also private and deleted ones; that the user looked is
    recorded. Raises NotFound if they are not a member, and Forbidden if they are no admin."""
    organisations.administer(user, organisation)
    audit.note_review(user, organisation)
    return Conversation.objects.filter(organisation=organisation)


def visible_to(user: AnyUser) -> QuerySet[Conversation]:
    """The conversations that the user may watch, newest first. To be filtered by something else: it has no order that
    an index has."""
    if staff.may_review(user):
        return Conversation.objects.all()
    if not user.is_authenticated:
        return Conversation.objects.none()
    mine = _memberships(user)
    is_personal = Q(owner=user.pk, organisation=None, deleted_at=None)
    is_shared = Q(organisation__in=mine.values("organisation"), deleted_at=None) & _is_seen_by(user)
    administered = mine.filter(role__in=[role for role in Role if role.administers]).values("organisation")
    return Conversation.objects.filter(is_personal | is_shared | Q(organisation__in=administered))


def _memberships(user: AnyUser) -> QuerySet[Membership]:
    return Membership.objects.filter(person=user.pk).order_by()


def _is_seen_by(user: AnyUser) -> Q:
    """Whether a member started the conversation, or it is shared with them."""
    named = ConversationShare.objects.filter(person=user.pk).values("conversation")
    return Q(owner=user.pk) | Q(sharing=Sharing.ORGANISATION) | Q(sharing=Sharing.MEMBERS, pk__in=named)


def followers(user: AnyUser, conversation: Conversation) -> QuerySet[Conversation]:
    """The debates that follow the conversation and that the user may watch, oldest first."""
    return visible_to(user).filter(follows=conversation).order_by("created_at", "id")


def datasets(user: AnyUser) -> DatasetQuerySet:
    """The datasets that the user may query, change and delete: those they uploaded; newest first."""
    return Dataset.objects.stored().filter(owner_id=user.pk)


def sources(user: AnyUser) -> QuerySet[Source]:
    """The sources that the user may put into debates: those they uploaded."""
    return Source.objects.filter(owner_id=user.pk)
