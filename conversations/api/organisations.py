"""The JSON API of organisations. Reading takes a session or a key of the scope `watch`; changes, and the audit
trail, take a session only, so that a stolen key cannot let anybody in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Router, Schema, Status

from conversations.access import organisations as access
from conversations.access import rate_limits, reauthentication
from conversations.api.authentication import AuthenticatedRequest, needs, session_only
from conversations.api.errors import Invalid, Refusal
from conversations.domain.enums import Role
from conversations.domain.organisations import OrganisationForm, RoleChange, Transfer
from conversations.infrastructure import database
from conversations.models import AuditEntry, Membership
from conversations.services import organisations

# Entries of the audit trail in one answer.
MAX_ENTRIES = 200

router = Router(tags=["organisations"], auth=session_only())


class OrganisationOut(Schema):
    """`role` is yours: owner, admin, member or viewer. `slug` is its name in the addresses of pages."""

    id: UUID
    name: str
    slug: str
    created_at: datetime
    role: Role


class MemberOut(Schema):
    """`person` is the member's id; `name` is what they call themselves, empty if they have not said."""

    person: int
    username: str
    name: str
    role: Role
    joined_at: datetime


class EntryOut(Schema):
    """`action` is what was done, by the person `actor` (null for somebody who is no more). `detail` has the id of the
    other `member`, and the `role`, where there is one."""

    at: datetime
    action: str
    actor: str | None
    detail: dict[str, Any]


class Organisations(Schema):
    organisations: list[OrganisationOut]


class Members(Schema):
    members: list[MemberOut]


class Entries(Schema):
    entries: list[EntryOut]


REFUSED: Any = {403: Refusal, 404: Refusal, 429: Refusal}
CHANGED: Any = {**REFUSED, 409: Refusal, 422: Invalid}


@router.get(
    "/",
    auth=needs("watch"),
    response={200: Organisations, 403: Refusal, 429: Refusal},
    summary="List your organisations, by name",
)
async def list_own(request: AuthenticatedRequest) -> dict[str, Any]:
    return {"organisations": await database.call(lambda: [shown(each) for each in access.of(request.auth)])}


@router.post(
    "/",
    response={201: OrganisationOut, 403: Refusal, 422: Invalid, 429: Refusal},
    summary="Create an organisation",
)
async def create(request: AuthenticatedRequest, form: OrganisationForm) -> Status[dict[str, Any]]:
    """You become its owner."""
    await rate_limits.control(str(request.auth.pk))
    return Status(201, shown(await changed(organisations.create, request.auth, form)))


@router.get(
    "/{uuid:organisation}/",
    auth=needs("watch"),
    response={200: OrganisationOut, **REFUSED},
    summary="An organisation",
)
async def detail(request: AuthenticatedRequest, organisation: UUID) -> dict[str, Any]:
    return shown(await database.call(access.member, request.auth, organisation))


@router.patch(
    "/{uuid:organisation}/", response={200: OrganisationOut, **CHANGED}, summary="Rename an organisation"
)
async def rename(request: AuthenticatedRequest, organisation: UUID, form: OrganisationForm) -> dict[str, Any]:
    await rate_limits.control(str(request.auth.pk))
    return shown(await changed(organisations.rename, request.auth, organisation, form))


@router.get(
    "/{uuid:organisation}/members/",
    auth=needs("watch"),
    response={200: Members, **REFUSED},
    summary="List an organisation's members, oldest first",
)
async def members(request: AuthenticatedRequest, organisation: UUID) -> dict[str, Any]:
    found = await database.call(lambda: list(organisations.members(request.auth, organisation)))
    return {"members": [member_shown(each) for each in found]}


@router.patch(
    "/{uuid:organisation}/members/{int:person}/",
    response={200: MemberOut, **CHANGED},
    summary="Change a member's role",
)
async def change_role(
    request: AuthenticatedRequest, organisation: UUID, person: int, change: RoleChange
) -> dict[str, Any]:
    """Only owners may make and unmake owners, after confirming who they are."""
    await rate_limits.control(str(request.auth.pk))
    if change.role is Role.OWNER:
        await database.call(reauthentication.require_for_program, request)
    arguments = (request.auth, organisation, person, change.role)
    return member_shown(await changed(organisations.change_role, *arguments))


@router.delete(
    "/{uuid:organisation}/members/{int:person}/",
    response={204: None, **REFUSED, 409: Refusal},
    summary="Remove a member, or leave",
)
async def remove(request: AuthenticatedRequest, organisation: UUID, person: int) -> Status[None]:
    """With your own id you leave. What the member made stays with the organisation, and their connections to its
    debates are closed within five seconds. The last owner cannot go: 409 with the code `last_owner`."""
    await rate_limits.control(str(request.auth.pk))
    await changed(organisations.remove, request.auth, organisation, person)
    return Status(204, None)


@router.post(
    "/{uuid:organisation}/transfer", response={200: MemberOut, **CHANGED}, summary="Hand an organisation over"
)
async def transfer(request: AuthenticatedRequest, organisation: UUID, to: Transfer) -> dict[str, Any]:
    """The member becomes an owner, and you an admin. You must have confirmed who you are in the last five minutes."""
    await rate_limits.control(str(request.auth.pk))
    await database.call(reauthentication.require_for_program, request)
    return member_shown(await changed(organisations.transfer, request.auth, organisation, to.person))


@router.get(
    "/{uuid:organisation}/audit",
    response={200: Entries, **REFUSED},
    summary="What was changed in an organisation, newest first",
)
async def audit(request: AuthenticatedRequest, organisation: UUID) -> dict[str, Any]:
    """For admins and owners: the newest 200 entries."""
    found = await database.call(lambda: list(organisations.history(request.auth, organisation)[:MAX_ENTRIES]))
    return {"entries": [_entry(each) for each in found]}


async def changed(function: Any, *arguments: Any) -> Any:
    """The result of this change, in a database thread."""
    return await database.call(function, *arguments, timeout=database.REQUEST_SECONDS)


def shown(membership: Membership) -> dict[str, Any]:
    """The fields of an OrganisationOut."""
    found = membership.organisation
    return {
        "id": found.pk,
        "name": found.name,
        "slug": found.slug,
        "created_at": found.created_at,
        "role": membership.role,
    }


def member_shown(membership: Membership) -> dict[str, Any]:
    """The fields of a MemberOut."""
    preferences = getattr(membership.person, "preferences", None)
    return {
        "person": membership.person_id,
        "username": membership.person.get_username(),
        "name": preferences.display_name if preferences else "",
        "role": membership.role,
        "joined_at": membership.joined_at,
    }


def _entry(entry: AuditEntry) -> dict[str, Any]:
    actor = entry.pseudonym or None if entry.actor is None else entry.actor.get_username()
    return {"at": entry.at, "action": entry.action, "actor": actor, "detail": entry.detail}
