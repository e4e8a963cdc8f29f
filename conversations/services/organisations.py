"""Use cases of organisations: creating them, and changing their members. Each checks the user's right first; a change
adds an entry to the audit trail, whose subject is the organisation.

Changes of who is a member lock the organisation's row, so that two at once cannot leave it without an owner.
"""

from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import QuerySet

from conversations.access import audit
from conversations.access import organisations as access
from conversations.domain.enums import AuditAction, Role
from conversations.domain.errors import (
    LimitReached,
    MembershipConflict,
    NotFound,
)
from conversations.domain.organisations import OrganisationForm
from conversations.models import AuditEntry, Membership, Organisation

# Organisations that one person may be in, enough for any consultant.
MAX_ORGANISATIONS: Final = 50
NO_MEMBER: Final = "There is no such member."


def create(user: AbstractUser, form: OrganisationForm) -> Membership:
    """A new organisation, of which the user is the owner. Raises LimitReached."""
    require_room(user)
    with transaction.atomic():
        made = Organisation.objects.create(name=form.name)
        membership = Membership.objects.create(organisation=made, person_id=user.pk, role=Role.OWNER)
        record(AuditAction.ORGANISATION_CREATED, user, made.pk)
    return membership


def require_room(user: AbstractUser) -> None:
    """Raises LimitReached if the user is in as many organisations as a person may be in."""
    if access.of(user).count() >= MAX_ORGANISATIONS:
        raise LimitReached(f"You are in {MAX_ORGANISATIONS} organisations, which is the maximum.")


def rename(user: AbstractUser, organisation: UUID, form: OrganisationForm) -> Membership:
    """Change its name; its addresses stay. Raises NotFound and Forbidden."""
    membership = access.administer(user, organisation)
    with transaction.atomic():
        Organisation.objects.filter(pk=organisation).update(name=form.name)
        record(AuditAction.ORGANISATION_RENAMED, user, organisation)
    membership.organisation.name = form.name
    return membership


def members(user: AbstractUser, organisation: UUID) -> QuerySet[Membership]:
    """The organisation's members, for each of them, oldest first. Raises NotFound."""
    access.member(user, organisation)
    return Membership.objects.filter(organisation=organisation).select_related(
        "person", "person__preferences"
    )


def history(user: AbstractUser, organisation: UUID) -> QuerySet[AuditEntry]:
    """The audit trail's entries about the organisation, newest first. Raises NotFound and Forbidden."""
    access.administer(user, organisation)
    return AuditEntry.objects.filter(subject=f"organisation:{organisation}").select_related("actor")


# Members


def change_role(user: AbstractUser, organisation: UUID, person: int, role: Role) -> Membership:
    """Give a member another role; only owners make and unmake owners. Raises NotFound, Forbidden, and
    MembershipConflict for the last owner."""
    with transaction.atomic():
        lock(organisation)
        access.administer(user, organisation)
        found = _other(organisation, person)
        if Role.OWNER in {Role(found.role), role}:
            access.own(user, organisation)
        if found.role != role:
            _require_another_owner(found, "has another role")
            before, found.role = found.role, role
            found.save(update_fields=["role"])
            record(AuditAction.ROLE_CHANGED, user, organisation, member=person, role=role, before=before)
    return found


def remove(user: AbstractUser, organisation: UUID, person: int) -> None:
    """End a membership: the user's own, or, for admins, somebody else's. Debates stay with the organisation, and
    connections that watch them are closed within five seconds. Raises NotFound, Forbidden, and MembershipConflict for
    the last owner."""
    with transaction.atomic():
        lock(organisation)
        own = access.member(user, organisation)
        found = own if person == user.pk else _removable(user, organisation, person)
        _require_another_owner(found, "leaves")
        found.delete()
        if person == user.pk:
            record(AuditAction.MEMBER_LEFT, user, organisation)
        else:
            record(AuditAction.MEMBER_REMOVED, user, organisation, member=person)


def transfer(user: AbstractUser, organisation: UUID, person: int) -> Membership:
    """Make another member an owner, and the user, who is one, an admin. Raises NotFound, Forbidden, and
    MembershipConflict if they are the same."""
    with transaction.atomic():
        lock(organisation)
        own = access.own(user, organisation)
        found = _other(organisation, person)
        if found.pk == own.pk:
            raise MembershipConflict("already_owner", "You are the owner already. Choose another member.")
        for membership, role in ((found, Role.OWNER), (own, Role.ADMIN)):
            before, membership.role = membership.role, role
            membership.save(update_fields=["role"])
            record(
                AuditAction.ROLE_CHANGED,
                user,
                organisation,
                member=membership.person_id,
                role=role,
                before=before,
            )
    return found


def _removable(user: AbstractUser, organisation: UUID, person: int) -> Membership:
    access.administer(user, organisation)
    found = _other(organisation, person)
    if found.role == Role.OWNER:
        access.own(user, organisation)
    return found


def _other(organisation: UUID, person: int) -> Membership:
    # By `person__id`, which finds nobody for a number that is too large for the column; `person` would fail.
    found = (
        Membership.objects.filter(organisation=organisation, person__id=person)
        .select_related("person", "person__preferences")
        .first()
    )
    if found is None:
        raise NotFound(NO_MEMBER)
    return found


def _require_another_owner(membership: Membership, what: str) -> None:
    if membership.role == Role.OWNER and not access.other_owners(membership).exists():
        raise MembershipConflict(
            "last_owner",
            f"This is the organisation's last owner. Make another member an owner before one {what}.",
        )


def lock(organisation: UUID) -> None:
    """Until the end of the transaction, nobody else changes who is a member."""
    list(Organisation.objects.select_for_update(no_key=True).filter(pk=organisation).values_list("pk"))


def record(action: AuditAction, user: AbstractUser, organisation: UUID, **detail: Any) -> None:
    """Add an entry about the organisation to the audit trail."""
    audit.record(action, user, f"organisation:{organisation}", **detail)
