"""The HTTP API of live delivery, for operators: what goes on in this process, and a word to everybody."""

from typing import Annotated, Any

import structlog
from django.contrib.auth.models import AbstractUser
from ninja import Router, Schema
from ninja import Status as Answer
from ninja.errors import HttpError
from pydantic import AfterValidator, Field, StringConstraints

from conversations.access import permissions
from conversations.api.authentication import SignedIn, needs
from conversations.api.debates import Invalid, Refusal
from conversations.domain import requests
from conversations.domain.errors import Forbidden
from conversations.infrastructure import database
from streaming.monitoring import dashboard
from streaming.monitoring.dashboard import MAX_SESSIONS, Overview, Sessions
from streaming.watchers.registry import MAX_NOTICE, broadcast

logger = structlog.get_logger(__name__)

router = Router(tags=["streaming"])


class Words(Schema):
    text: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NOTICE),
        AfterValidator(requests.without_nul),
        Field(description="1 to 1,000 characters."),
    ]


@router.get(
    "/status",
    auth=needs("watch"),
    response={200: Overview, 403: Refusal},
    summary="What this process delivers",
)
async def status(request: SignedIn) -> Overview:
    """Needs a staff account with the right to review conversations."""
    return dashboard.overview(await database.call(_counted, request.auth))


@router.get(
    "/sessions",
    auth=needs("watch"),
    response={200: Sessions, 403: Refusal},
    summary="Who is connected to this process",
)
async def sessions(
    request: SignedIn, limit: Annotated[int, Field(ge=1, le=MAX_SESSIONS)] = MAX_SESSIONS
) -> Sessions:
    """The newest first. Needs a staff account with the right to review conversations."""
    await database.call(_require_reviewer, request.auth)
    return dashboard.sessions(limit)


SAYING: Any = {202: Words, 403: Refusal, 422: Invalid, 503: Refusal}


@router.post(
    "/broadcast",
    auth=needs("control"),
    response=SAYING,
    summary="Say something to everybody who is connected",
)
async def say_to_all(request: SignedIn, words: Words) -> Answer[Words]:
    """To every connection of every process, as a `notice`. Needs a staff account with the rights to review and to
    control conversations."""
    await database.call(_require_broadcaster, request.auth)
    try:
        await broadcast(words.text)
    except Exception:
        logger.exception("broadcast_failed", user=request.auth.pk)
        raise HttpError(503, "It could not be passed on; perhaps nobody has heard it.") from None
    logger.info("broadcast", user=request.auth.pk, characters=len(words.text))
    return Answer(202, words)


def _counted(person: AbstractUser) -> dict[Any, int]:
    _require_reviewer(person)
    return dashboard.debates()


def _require_reviewer(person: AbstractUser) -> None:
    if not permissions.may_review(person):
        raise Forbidden("This is for staff who may review conversations.")


def _require_broadcaster(person: AbstractUser) -> None:
    if not permissions.may_control_all(person):
        raise Forbidden("This is for staff who may review and control conversations.")
