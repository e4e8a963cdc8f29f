"""The JSON API of conversations."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.core.paginator import Paginator
from ninja import Router, Schema
from ninja import Status as ApiStatus
from pydantic import Field

from conversations.access import permissions
from conversations.api.authentication import AuthenticatedRequest, needs
from conversations.budgets import service
from conversations.domain import transcript
from conversations.domain.enums import Mode, Stance, Status
from conversations.domain.requests import Command, Input, NewConversation
from conversations.event_log import commands, queries
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.outbox import deliveries
from conversations.services import debates

PAGE_SIZE = 20
MAX_EVENTS = 1_000

router = Router(tags=["conversations"])


class Started(Schema):
    id: UUID
    status: Status
    url: str
    ws_url: str

    @staticmethod
    def resolve_url(conversation: Conversation) -> str:
        return conversation.get_absolute_url()


class Summary(Schema):
    """`verdict` and `cost` (US dollars) are null while unknown."""

    id: UUID
    topic: str
    panel: str
    rounds: int
    status: Status
    mode: Mode
    verdict: Stance | None
    cost: float | None
    url: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Page(Schema):
    count: int
    page: int
    pages: int
    results: list[Summary]


class Limits(Schema):
    """US dollars, tokens in and out, and seconds; null is no limit."""

    usd: float | None
    tokens: int | None
    seconds: float | None


class Spent(Limits):
    """Spent so far; `usd` is null once the price of any call is unknown."""


class Tokens(Schema):
    low: int
    high: int


class Dollars(Schema):
    low: float
    high: float


class Estimate(Schema):
    """`usd` is null where the provider's price is unknown; `left` is what you may still spend today."""

    provider: str
    usd: Dollars | None
    tokens: Tokens
    left: Limits


class DeliveryEvent(Schema):
    """`type` is delivered, failed, rejected, given_up or dropped; `code` says why an attempt has failed."""

    type: str
    at: datetime
    code: str | None


class DeliveryOut(Schema):
    """A delivery of the debate to another agent; `task` is its id there."""

    target: str
    state: str
    attempts: int
    task: str
    events: list[DeliveryEvent]


class Detail(Summary):
    """`transcript` is the fold of the conversation's events."""

    content: str
    content_type: str
    ws_url: str
    limits: Limits
    spent: Spent
    deliveries: list[DeliveryOut]
    transcript: dict[str, Any]


class Accepted(Schema):
    """Stored as event `seq`; `status` was the conversation's then. Its further events have the outcome."""

    seq: int
    status: Status


class EventOut(Schema):
    seq: int
    type: str
    at: datetime
    data: dict[str, Any]


class Events(Schema):
    """`head` is the newest seq; for the next page, set `after` to the last seq received."""

    head: int
    events: list[EventOut]


class ProblemOut(Schema):
    field: str
    rule: str
    message: str


class Refusal(Schema):
    code: str
    message: str


class Conflict(Refusal):
    """`status` is the conversation's."""

    status: Status


class Invalid(Refusal):
    errors: list[ProblemOut]


@router.post(
    "/",
    auth=needs("start"),
    response={201: Started, 403: Refusal, 422: Invalid, 429: Refusal},
    summary="Start a debate",
)
async def start(request: AuthenticatedRequest, new: NewConversation) -> ApiStatus[Conversation]:
    return ApiStatus(201, await debates.start(request.auth, new))


@router.post(
    "/estimate",
    auth=needs("start"),
    response={200: Estimate, 403: Refusal, 422: Invalid, 429: Refusal},
    summary="What a debate would take",
)
async def estimate(request: AuthenticatedRequest, new: NewConversation) -> dict[str, Any]:
    estimated, left = await debates.estimate(request.auth, new)
    return {**asdict(estimated), "left": asdict(left)}


@router.get(
    "/",
    auth=needs("watch"),
    response={200: Page, 403: Refusal, 429: Refusal},
    summary="List your debates, newest first",
)
async def list_own(request: AuthenticatedRequest, page: Annotated[int, Field(ge=1)] = 1) -> dict[str, Any]:
    return await database.call(_page, request.auth, page)


@router.get(
    "/{uuid:conversation}/",
    auth=needs("watch"),
    response={200: Detail, 403: Refusal, 404: Refusal, 429: Refusal},
    summary="A debate, as it stands",
)
async def detail(request: AuthenticatedRequest, conversation: UUID) -> dict[str, Any]:
    return await database.call(_detail, request.auth, conversation)


@router.get(
    "/{uuid:conversation}/events",
    auth=needs("watch"),
    response={200: Events, 403: Refusal, 404: Refusal, 429: Refusal},
    summary="A debate's log, paged",
)
async def events(
    request: AuthenticatedRequest,
    conversation: UUID,
    after: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Field(ge=1, le=MAX_EVENTS)] = 100,
) -> dict[str, Any]:
    return await database.call(_events, request.auth, conversation, after, limit)


RESTARTED: Any = {201: Started, 403: Refusal, 404: Refusal, 422: Invalid, 429: Refusal}


@router.post(
    "/{uuid:conversation}/again",
    auth=needs("start"),
    response=RESTARTED,
    summary="Start a debate with the same input",
)
async def again(request: AuthenticatedRequest, conversation: UUID) -> ApiStatus[Conversation]:
    return ApiStatus(201, await debates.restart(request.auth, conversation))


ACCEPTED: Any = {202: Accepted, 403: Refusal, 404: Refusal, 409: Conflict, 422: Invalid, 429: Refusal}


@router.post(
    "/{uuid:conversation}/control",
    auth=needs("control"),
    response=ACCEPTED,
    summary="Pause, resume or cancel a debate",
)
async def control(
    request: AuthenticatedRequest, conversation: UUID, command: Command
) -> ApiStatus[commands.Accepted]:
    return ApiStatus(202, await debates.control(request.auth, conversation, command))


@router.post(
    "/{uuid:conversation}/input",
    auth=needs("control"),
    response=ACCEPTED,
    summary="Speak to the panel, or answer a question",
)
async def say(
    request: AuthenticatedRequest, conversation: UUID, message: Input
) -> ApiStatus[commands.Accepted]:
    return ApiStatus(202, await debates.say(request.auth, conversation, message))


def _page(user: AbstractUser, page: int) -> dict[str, Any]:
    pages = Paginator(permissions.own(user), PAGE_SIZE)
    rows = pages.page(page).object_list if page <= pages.num_pages else []
    return {
        "count": pages.count,
        "page": page,
        "pages": pages.num_pages,
        "results": [_summary(conversation) for conversation in rows],
    }


def _detail(user: AbstractUser, conversation: UUID) -> dict[str, Any]:
    found = permissions.watch(user, conversation)
    return {
        **_summary(found),
        "content": found.content,
        "content_type": found.content_type,
        "ws_url": found.ws_url,
        "limits": asdict(service.limits(found)),
        "spent": asdict(service.spent(found)),
        "deliveries": deliveries.listed(found.pk),
        "transcript": transcript.fold(queries.read_all(found.pk)),
    }


def _summary(conversation: Conversation) -> dict[str, Any]:
    return {
        **{name: getattr(conversation, name) for name in Summary.model_fields if name != "url"},
        "status": Status.read(conversation.status),
        "mode": Mode.read(conversation.mode),
        "verdict": Stance.read(conversation.verdict["verdict"]) if conversation.verdict else None,
        "url": conversation.get_absolute_url(),
    }


def _events(user: AbstractUser, conversation: UUID, after: int, limit: int) -> dict[str, Any]:
    found = permissions.watch(user, conversation)
    rows = found.events.filter(seq__gt=after).order_by("seq")[:limit]
    return {"head": found.head, "events": list(rows.values("seq", "type", "at", "data"))}
