"""The JSON API of invitations to organisations. It takes a session only."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections
from ninja import Router, Schema, Status

from conversations.access import rate_limits
from conversations.api.authentication import AuthenticatedRequest, session_only
from conversations.api.errors import Refusal
from conversations.api.organisations import CHANGED, REFUSED, OrganisationOut, changed, shown
from conversations.domain.enums import Role
from conversations.domain.organisations import Acceptance, NewMember
from conversations.infrastructure import database
from conversations.models import OrganisationInvitation
from conversations.services import organisation_invitations as invitations

router = Router(tags=["organisations"], auth=session_only())


class InvitationOut(Schema):
    id: UUID
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime


class NewInvitationOut(InvitationOut):
    """`link` is the one that was mailed. Only this response has it."""

    link: str


class Invitations(Schema):
    invitations: list[InvitationOut]


@router.get(
    "/{uuid:organisation}/invitations/",
    response={200: Invitations, **REFUSED},
    summary="List the open invitations, newest first",
)
async def list_open(request: AuthenticatedRequest, organisation: UUID) -> dict[str, Any]:
    found = await database.call(lambda: list(invitations.listed(request.auth, organisation)))
    return {"invitations": found}


@router.post(
    "/{uuid:organisation}/invitations/",
    response={201: NewInvitationOut, **CHANGED},
    summary="Invite somebody to an organisation",
)
async def invite(request: AuthenticatedRequest, organisation: UUID, new: NewMember) -> Status[dict[str, Any]]:
    """A mail with the link goes to the address. A new invitation of the same address replaces the one before."""
    await rate_limits.control(str(request.auth.pk))
    made = await changed(invitations.invite, request.auth, organisation, new)
    await asyncio.to_thread(_send, made)
    fields = {name: getattr(made, name) for name in InvitationOut.model_fields}
    return Status(201, {**fields, "link": invitations.link(made)})


@router.delete(
    "/{uuid:organisation}/invitations/{uuid:invitation}/",
    response={204: None, **REFUSED},
    summary="Withdraw an invitation",
)
async def withdraw(request: AuthenticatedRequest, organisation: UUID, invitation: UUID) -> Status[None]:
    await rate_limits.control(str(request.auth.pk))
    await changed(invitations.withdraw, request.auth, organisation, invitation)
    return Status(204, None)


@router.post(
    "/join", response={200: OrganisationOut, **CHANGED, 410: Refusal}, summary="Accept an invitation"
)
async def accept(request: AuthenticatedRequest, acceptance: Acceptance) -> dict[str, Any]:
    """The invited address must be a confirmed one of yours (403, `other_address`). 410 with the code `invitation_gone`
    if it was used or has expired, 404 if it was withdrawn."""
    await rate_limits.control(str(request.auth.pk))
    return shown(await changed(invitations.accept, request.auth, acceptance.token))


def _send(invitation: OrganisationInvitation) -> None:
    try:
        invitations.send(invitation)
    finally:
        # Of the thread, which does something else next.
        connections.close_all()
