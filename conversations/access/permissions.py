"""Rights: what a user may do. Every page and transport asks here before it accesses a channel group, a log or a file,
and again while a connection is open.

| right | function |
| --- | --- |
| watch, control, speak, share | `watch`, `control`, `speak`, `share`; of many conversations: `rights_of_all` |
| review | `staff.may_review`, for every conversation; `lists.reviewable`, for those of an organisation |
| query | `query`, for a dataset |
| administer | `organisations.administer`, for an organisation |
"""

from collections.abc import Collection
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import Exists

from conversations.access import audit, lists, staff
from conversations.domain.enums import AuditAction, Role, Sharing
from conversations.domain.errors import Forbidden, NotFound
from conversations.models import (
    Conversation,
    ConversationShare,
    Dataset,
    Membership,
)

AnyUser = AbstractUser | AnonymousUser

NO_SUCH_DATASET: Final = "There is no such dataset."


class Rights(NamedTuple):
    """What a user may do with a conversation. `speak`: send messages to its panel. `control`: pause, resume and cancel
    it, and answer its agents' questions. `share`: say who else may watch it. `by_review`: they may watch it only
    because they review others' debates, so it is recorded. `creator` is the id of the person who started it."""

    watch: bool = False
    control: bool = False
    speak: bool = False
    share: bool = False
    by_review: bool = False
    creator: int | None = None


class Standing(NamedTuple):
    """A user's role in a conversation's organisation, None if they are not in it; and whether it is shared with them by
    name."""

    role: Role | None = None
    is_named: bool = False


NO_RIGHTS: Final = Rights()
NOBODY: Final = Standing()


# Rights to a conversation


def rights(user: AnyUser, conversation: Conversation) -> Rights:
    """What the user may do with the conversation. At most one query, and none for a personal one, except for staff's
    permissions.

    Its creator may do everything, unless they have deleted it. In an organisation, that takes a membership, and for
    more than watching, a role above viewer; those whom it is shared with watch it; admins watch, control and share all.
    Staff have what their permissions say."""
    return _rights(user, conversation, _standing(user, conversation))


def rights_of_all(asked: Collection[tuple[AnyUser, UUID]]) -> dict[tuple[Any, UUID], Rights]:
    """The rights of each of these users to the conversation beside them, by user id and conversation. Conversations
    that do not exist are left out. The number of queries does not depend on how many they are."""
    columns = ("owner", "deleted_at", "organisation", "sharing")
    found = Conversation.objects.only(*columns).in_bulk({conversation for _, conversation in asked})
    pairs = [(user, found[pk]) for user, pk in asked if pk in found]
    standings = _standings(pairs)
    return {
        (user.pk, each.pk): _rights(user, each, standings.get((user.pk, each.pk), NOBODY))
        for user, each in pairs
    }


def _rights(user: AnyUser, conversation: Conversation, standing: Standing) -> Rights:
    is_creator, is_personal = user.pk == conversation.owner_id, conversation.organisation_id is None
    role, is_shown = standing.role, conversation.deleted_at is None
    administers = role is not None and role.administers
    is_shared = conversation.sharing == Sharing.ORGANISATION or (
        conversation.sharing == Sharing.MEMBERS and standing.is_named
    )
    sees = is_shown and ((is_creator and is_personal) or (role is not None and (is_creator or is_shared)))
    speaks = is_creator and user.is_active and (is_personal or (role is not None and role.contributes))
    of_staff = not (sees and speaks) and staff.may_review(user)
    return Rights(
        watch=sees or administers or of_staff,
        control=speaks or administers or (of_staff and staff.may_control_all(user)),
        speak=speaks,
        share=not is_personal and (speaks or administers),
        by_review=not sees and not is_creator and (administers or of_staff),
        creator=conversation.owner_id,
    )


def _standing(user: AnyUser, conversation: Conversation) -> Standing:
    if conversation.organisation_id is None or not user.is_authenticated:
        return NOBODY
    named = ConversationShare.objects.filter(conversation=conversation.pk, person=user.pk)
    found = Membership.objects.filter(person=user.pk, organisation=conversation.organisation_id)
    row = found.values_list("role", Exists(named)).first()
    return NOBODY if row is None else Standing(Role(row[0]), row[1])


def _standings(pairs: Collection[tuple[AnyUser, Conversation]]) -> dict[tuple[Any, UUID], Standing]:
    """By user id and conversation; without those who are not in its organisation."""
    within = [(user, each) for user, each in pairs if each.organisation_id is not None]
    if not within:
        return {}
    people = {user.pk for user, _ in within}
    memberships = Membership.objects.filter(
        person__in=people, organisation__in={each.organisation_id for _, each in within}
    )
    roles: dict[tuple[Any, Any], Role] = {
        (person, organisation): Role(role)
        for person, organisation, role in memberships.values_list("person", "organisation", "role")
    }
    shared = {each.pk for _, each in within if each.sharing == Sharing.MEMBERS}
    shares = ConversationShare.objects.filter(conversation__in=shared, person__in=people)
    named = {*shares.values_list("person", "conversation")} if shared else set()
    return {
        (user.pk, each.pk): Standing(roles[user.pk, each.organisation_id], (user.pk, each.pk) in named)
        for user, each in within
        if (user.pk, each.organisation_id) in roles
    }


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


def share(user: AnyUser, conversation: UUID) -> Conversation:
    """The conversation, for a user who may say who else may watch it. Raises NotFound if they may not watch it, and
    Forbidden if they may only watch, or it is personal."""
    found, may = admit(user, conversation)
    if found.organisation_id is None:
        raise Forbidden("Only debates of an organisation can be shared.")
    if not may.share:
        raise Forbidden("You may watch this debate, but not share it.")
    return found


def query(user: AnyUser, dataset: UUID) -> Dataset:
    """The dataset, for a user who may query it. Raises NotFound."""
    found = lists.datasets(user).filter(pk=dataset).first()
    if found is None:
        raise NotFound(NO_SUCH_DATASET)
    return found
