"""The HTTP API of live delivery, for operators: figures of this process, and announcements to everybody."""

from typing import Annotated, Any

import structlog
from django.contrib.auth.models import AbstractUser
from ninja import Router, Schema
from ninja import Status as Answer
from ninja.errors import HttpError
from pydantic import Field, StringConstraints

from conversations.access import audit, staff
from conversations.api.authentication import AuthenticatedRequest, needs
from conversations.api.errors import Invalid, Refusal
from conversations.domain import requests
from conversations.domain.enums import AuditAction, Status
from conversations.domain.errors import Forbidden
from conversations.infrastructure import database
from streaming.monitoring import dashboard, usage
from streaming.monitoring.dashboard import MAX_SESSIONS, Overview, Sessions
from streaming.monitoring.usage import Day
from streaming.watchers.registry import MAX_NOTICE, broadcast

logger = structlog.get_logger(__name__)

router = Router(tags=["streaming"])


class Announcement(Schema):
    text: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_NOTICE),
        requests.LINES,
        Field(description="1 to 1,000 characters."),
    ]


@router.get(
    "/status",
    auth=needs("watch"),
    response={200: Overview, 403: Refusal, 429: Refusal},
    summary="What this process delivers",
)
async def status(request: AuthenticatedRequest) -> Overview:
    """Needs a staff account with the right to review conversations."""
    return dashboard.overview(await database.call(_debates, request.auth))


@router.get(
    "/sessions",
    auth=needs("watch"),
    response={200: Sessions, 403: Refusal, 429: Refusal},
    summary="The connections of this process",
)
async def sessions(
    request: AuthenticatedRequest, limit: Annotated[int, Field(ge=1, le=MAX_SESSIONS)] = MAX_SESSIONS
) -> Sessions:
    """The newest connections first. Needs a staff account with the right to review conversations."""
    await database.call(_require_reviewer, request.auth)
    return dashboard.sessions(limit)


@router.get(
    "/days",
    auth=needs("watch"),
    response={200: list[Day], 403: Refusal, 429: Refusal},
    summary="Debates and costs by day",
)
async def days(request: AuthenticatedRequest) -> list[Day]:
    """The last 14 days (UTC) of the whole installation, today first. Needs a staff account with the right to review
    conversations."""
    return await database.call(_days, request.auth)


_ANNOUNCE: Any = {202: Announcement, 403: Refusal, 422: Invalid, 503: Refusal}


@router.post(
    "/broadcast",
    auth=needs("control"),
    response=_ANNOUNCE,
    summary="Send an announcement to everybody who is connected",
)
async def announce(request: AuthenticatedRequest, announcement: Announcement) -> Answer[Announcement]:
    """Reaches every connection of every process, as a `notice`. Needs a staff account with the rights to review and to
    control conversations."""
    await database.call(_require_broadcaster, request.auth)
    await database.call(audit.record, AuditAction.ANNOUNCED, request.auth)
    try:
        await broadcast(announcement.text)
    except Exception:
        logger.exception("broadcast_failed", user=request.auth.pk)
        raise HttpError(503, "The announcement could not be sent; it may not have reached anyone.") from None
    logger.info("broadcast", user=request.auth.pk, characters=len(announcement.text))
    return Answer(202, announcement)


def _debates(user: AbstractUser) -> dict[Status, int]:
    _require_reviewer(user)
    return dashboard.debates()


def _days(user: AbstractUser) -> list[Day]:
    _require_reviewer(user)
    return usage.by_day()


def _require_reviewer(user: AbstractUser) -> None:
    if not staff.may_review(user):
        raise Forbidden("This is for staff who may review conversations.")


def _require_broadcaster(user: AbstractUser) -> None:
    if not staff.may_control_all(user):
        raise Forbidden("This is for staff who may review and control conversations.")
