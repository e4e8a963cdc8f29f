"""The JSON API of sharing a debate with its organisation."""

from typing import Any
from uuid import UUID

from ninja import Router, Schema

from conversations.access import rate_limits
from conversations.api.authentication import AuthenticatedRequest, needs
from conversations.api.errors import Invalid, Refusal
from conversations.domain.enums import Sharing
from conversations.domain.sharing import ShareWith
from conversations.infrastructure import database
from conversations.services import sharing

router = Router(tags=["conversations"])


class SharedOut(Schema):
    """`members` are the ids of those whom it is shared with by name."""

    sharing: Sharing
    members: list[int]


_REFUSED: Any = {403: Refusal, 404: Refusal, 429: Refusal}


@router.get(
    "/{uuid:conversation}/sharing",
    auth=needs("watch"),
    response={200: SharedOut, **_REFUSED},
    summary="Who in its organisation may watch a debate",
)
async def shared(request: AuthenticatedRequest, conversation: UUID) -> sharing.Shared:
    return await database.call(sharing.of, request.auth, conversation)


@router.put(
    "/{uuid:conversation}/sharing",
    auth=needs("control"),
    response={200: SharedOut, **_REFUSED, 422: Invalid},
    summary="Share a debate with its organisation",
)
async def share(request: AuthenticatedRequest, conversation: UUID, wish: ShareWith) -> sharing.Shared:
    """For who started it, unless they are a viewer now, and for admins and owners. Connections of those who may not
    watch it any more are closed within five seconds."""
    await rate_limits.control(str(request.auth.pk))
    return await database.call(
        sharing.change, request.auth, conversation, wish, timeout=database.REQUEST_SECONDS
    )
