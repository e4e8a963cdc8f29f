"""Organisations of a person: which ones, and what their role permits; and the links of invitations."""

from typing import Final
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.core.signing import BadSignature, Signer
from django.db.models import Q, QuerySet

from conversations.domain.enums import Role
from conversations.domain.errors import Forbidden, NotFound
from conversations.models import Membership, Organisation, OrganisationInvitation

# An unknown organisation, and one that the user is not in.
UNKNOWN: Final = "There is no such organisation."
_SALT: Final = "conversations.access.organisations"


def of(user: AbstractUser) -> QuerySet[Membership]:
    """The user's memberships with their organisations, by name."""
    return (
        Membership.objects.filter(person_id=user.pk)
        .select_related("organisation")
        .order_by("organisation__name", "organisation")
    )


def member(user: AbstractUser, organisation: UUID | str) -> Membership:
    """The user's membership, with its organisation, which is given by id or slug. Raises NotFound."""
    named = (
        {"organisation": organisation}
        if isinstance(organisation, UUID)
        else {"organisation__slug": organisation}
    )
    found = of(user).filter(**named).first()
    if found is None:
        raise NotFound(UNKNOWN)
    return found


def contribute(user: AbstractUser, organisation: UUID) -> Membership:
    """The membership of a user who may start debates in the organisation. Raises NotFound and Forbidden."""
    found = member(user, organisation)
    if not Role(found.role).contributes:
        raise Forbidden("Viewers may not start debates in this organisation.")
    return found


def lock_membership(user: AbstractUser, organisation: UUID) -> None:
    """Until the end of the transaction, the user stays a member who may start debates. Raises NotFound and
    Forbidden."""
    list(
        Membership.objects.select_for_update()
        .filter(person=user.pk, organisation=organisation)
        .values_list("pk")
    )
    contribute(user, organisation)


def administer(user: AbstractUser, organisation: UUID | str) -> Membership:
    """The membership of a user who may change the organisation and its members. Raises NotFound and Forbidden."""
    found = member(user, organisation)
    if not Role(found.role).administers:
        raise Forbidden("Only admins and owners of the organisation may do this.")
    return found


def own(user: AbstractUser, organisation: UUID | str) -> Membership:
    """The membership of a user who may make and unmake owners. Raises NotFound and Forbidden."""
    found = member(user, organisation)
    if found.role != Role.OWNER:
        raise Forbidden("Only owners of the organisation may do this.")
    return found


def other_owners(membership: Membership) -> QuerySet[Membership]:
    """The organisation's other owners, whose accounts are not disabled."""
    is_owner = Q(organisation=membership.organisation_id, role=Role.OWNER, person__is_active=True)
    return Membership.objects.filter(is_owner).exclude(pk=membership.pk)


def left_alone(user: AbstractUser) -> Organisation | None:
    """An organisation that has other members, and would have no owner without this user; None if there is none."""
    for membership in of(user).filter(role=Role.OWNER):
        others = Membership.objects.filter(organisation=membership.organisation_id).exclude(pk=membership.pk)
        if others.exists() and not other_owners(membership).exists():
            return membership.organisation
    return None


def token(invitation: OrganisationInvitation) -> str:
    """What the invitation's link ends with. Without the signature, whoever reads the database could make links."""
    return Signer(salt=_SALT).sign(invitation.pk.hex)


def invitation_of(text: str) -> OrganisationInvitation | None:
    """The invitation of this token, with its organisation, even if it can no longer be used; None if the token is not
    ours, or the invitation was withdrawn."""
    try:
        pk = UUID(hex=Signer(salt=_SALT).unsign(text))
    except (BadSignature, ValueError):
        return None
    return OrganisationInvitation.objects.select_related("organisation").filter(pk=pk).first()
