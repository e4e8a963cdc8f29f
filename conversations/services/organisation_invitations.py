"""Invitations to organisations, by a signed link that is mailed to one address and used once."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from conversations.access import organisations as access
from conversations.domain.enums import AuditAction
from conversations.domain.errors import (
    InvitationGone,
    LimitReached,
    MembershipConflict,
    NotFound,
    OtherAddress,
)
from conversations.domain.organisations import NewMember
from conversations.models import Membership, OrganisationInvitation
from conversations.services.organisations import lock, record, require_room

logger = structlog.get_logger(__name__)

MAX_MEMBERS: Final = 1_000
# Open ones of an organisation.
MAX_INVITATIONS: Final = 100


def listed(user: AbstractUser, organisation: UUID) -> QuerySet[OrganisationInvitation]:
    """Those that can still be used, newest first. Raises NotFound and Forbidden."""
    access.administer(user, organisation)
    return _open(organisation)


def invite(user: AbstractUser, organisation: UUID, new: NewMember) -> OrganisationInvitation:
    """An invitation, which replaces an earlier one of the same address. Raises NotFound, Forbidden, LimitReached, and
    MembershipConflict if the address is a member's."""
    access.administer(user, organisation)
    with transaction.atomic():
        lock(organisation)
        of_address = EmailAddress.objects.filter(email__iexact=new.email, verified=True).values("user")
        if Membership.objects.filter(organisation=organisation, person__in=of_address).exists():
            raise MembershipConflict("already_member", "This address is a member's.")
        OrganisationInvitation.objects.filter(
            organisation=organisation, email=new.email, used_at=None
        ).delete()
        if _open(organisation).count() >= MAX_INVITATIONS:
            raise LimitReached(
                f"{MAX_INVITATIONS} invitations are open, which is the maximum. Withdraw one first."
            )
        made = OrganisationInvitation.objects.create(
            organisation_id=organisation,
            email=new.email,
            role=new.role,
            invited_by_id=user.pk,
            expires_at=timezone.now() + timedelta(days=new.days),
        )
        record(AuditAction.MEMBER_INVITED, user, organisation, role=new.role, days=new.days)
    return made


def link(invitation: OrganisationInvitation) -> str:
    """The address that the invited person opens."""
    return settings.OUTCRY_SITE_URL + reverse("join", args=[access.token(invitation)])


def send(invitation: OrganisationInvitation) -> None:
    """Mail the link. Takes as long as a mail server does, so call it in no thread that others wait for. Raises nothing:
    the invitation stays."""
    context = {"invitation": invitation, "invitation_url": link(invitation)}
    try:
        get_adapter().send_mail("account/email/organisation_invitation", invitation.email, context)
    except Exception:
        logger.exception("invitation_not_sent", invitation=str(invitation.pk))


def withdraw(user: AbstractUser, organisation: UUID, invitation: UUID) -> None:
    """Make an open invitation's link invalid. Raises NotFound and Forbidden."""
    access.administer(user, organisation)
    with transaction.atomic():
        if not _open(organisation).filter(pk=invitation).delete()[0]:
            raise NotFound("There is no such invitation.")
        record(AuditAction.INVITATION_WITHDRAWN, user, organisation)


def acceptable(user: AbstractUser, token: str) -> OrganisationInvitation:
    """The invitation of this token, if the user may accept it now. Raises NotFound, InvitationGone, OtherAddress, and
    MembershipConflict if they are a member already."""
    found = access.invitation_of(token)
    if found is None:
        raise NotFound("This invitation does not exist, or was withdrawn.")
    if found.used_at is not None:
        raise InvitationGone("This invitation was used before.")
    if found.has_expired:
        raise InvitationGone("This invitation has expired. Ask for another one.")
    # A link may be passed on: only a confirmed address shows that the mail was to them.
    if not EmailAddress.objects.filter(user_id=user.pk, email__iexact=found.email, verified=True).exists():
        raise OtherAddress(
            "This invitation is to another mail address. Sign in with the account that has it, or add the address to"
            " your account and confirm it."
        )
    if access.of(user).filter(organisation=found.organisation_id).exists():
        raise MembershipConflict("already_member", "You are a member of this organisation already.")
    return found


def accept(user: AbstractUser, token: str) -> Membership:
    """Join the organisation. Raises what `acceptable` raises, and LimitReached."""
    with transaction.atomic():
        found = acceptable(user, token)
        lock(found.organisation_id)
        require_room(user)
        if Membership.objects.filter(organisation=found.organisation_id).count() >= MAX_MEMBERS:
            raise LimitReached(f"The organisation has {MAX_MEMBERS:,} members, which is the maximum.")
        unused = OrganisationInvitation.objects.filter(pk=found.pk, used_at=None)
        if not unused.update(used_at=timezone.now()):
            raise InvitationGone("This invitation was used before, or was withdrawn.")
        made = Membership.objects.create(organisation=found.organisation, person_id=user.pk, role=found.role)
        record(AuditAction.MEMBER_JOINED, user, found.organisation_id, role=found.role)
    return made


def _open(organisation: UUID) -> QuerySet[OrganisationInvitation]:
    return OrganisationInvitation.objects.filter(
        organisation=organisation, used_at=None, expires_at__gt=timezone.now()
    )
