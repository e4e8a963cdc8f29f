"""The JSON API of conversations."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from ninja import Query, Router, Schema
from ninja import Status as ApiStatus
from pydantic import Field

from conversations.access import lists, permissions
from conversations.api.authentication import AuthenticatedRequest, needs
from conversations.api.errors import Conflict, Invalid, Refusal
from conversations.api.sources import SourceOut
from conversations.budgets import service
from conversations.budgets.service import Amounts
from conversations.domain import transcript
from conversations.domain.enums import Mode, Sharing, Stance, Status
from conversations.domain.history import Changes, HistoryQuery
from conversations.domain.requests import SAME_INPUT, Command, Input, NewConversation, Restart
from conversations.event_log import commands, queries
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.outbox import deliveries
from conversations.services import datasets, debates, history, panels, sources
from conversations.services.cost_estimate import Range

MAX_EVENTS = 1_000

# Fields of a Summary that are no attributes of a Conversation.
_COMPUTED: Final = frozenset(
    {"pinned", "models", "verdict_reason", "url", "follows", "organisation", "author"}
)

router = Router(tags=["conversations"])


class Started(Schema):
    """`topic` is the question: the one that was given, or the first sentence of the text."""

    id: UUID
    topic: str
    status: Status
    url: str
    ws_url: str

    @staticmethod
    def resolve_url(conversation: Conversation) -> str:
        return conversation.get_absolute_url()


class Summary(Schema):
    """`verdict` and `cost` (US dollars) are null while unknown. `verdict_reason` is the cause of `no_verdict`: such as
    `test_model`, where a model that is only for trying Outcry spoke, `demo`, `budget`, `invalid_answer`,
    `contradicted_figures`, `prices_missing`, where its record has no current price of its instrument, or
    `not_a_debate`, where the team has no judge. `title` is the owner's name for it, null for the question; `models`
    have spoken so far. `follows` is the earlier debate that its agents know, null if there is none or it was
    deleted. `author` is the username of who started it; `organisation` is null for a personal debate, and `sharing`
    says who else in the organisation may watch it."""

    id: UUID
    topic: str
    title: str | None
    pinned: bool
    panel: str
    rounds: int
    status: Status
    mode: Mode
    verdict: Stance | None
    verdict_reason: str | None
    cost: float | None
    models: list[str]
    url: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    follows: UUID | None
    author: str
    organisation: UUID | None
    sharing: Sharing


class ExcerptOut(Schema):
    """Where the first word of `q` stands, as it is written there: in the question, a source, or a message (event
    `seq`)."""

    part: Literal["question", "source", "message"]
    seq: int | None
    before: str
    hit: str
    after: str


class Listed(Summary):
    """`excerpt` is null without `q`."""

    excerpt: ExcerptOut | None


class Page(Schema):
    count: int
    page: int
    pages: int
    results: list[Listed]


class ReadingOut(Schema):
    """How much of content and sources a model is given: `read` of `characters`. They have at most `tokens`, by
    estimate. `too_long`: they have more than `most_tokens`, so the debate needs `truncate`. `most_tokens` is null for
    `local` and `demo`, which read the same number of characters of any text."""

    characters: int
    tokens: int
    most_tokens: int | None
    read: int
    too_long: bool = Field(validation_alias="is_too_long")


class Beginning(Schema):
    tokens: int
    usd: float | None


class Estimate(Schema):
    """`topic` is the question: the one that was given, or the first sentence of the text. `usd` is null if the
    provider's price is unknown, and 0 for `local` and `demo`; `left` is what is left of today's limits. With limits
    below `to_begin`, the first message at the most and a verdict, the debate may end before it says anything."""

    topic: str
    provider: str
    usd: Range[float] | None
    tokens: Range[int]
    left: Amounts
    reading: ReadingOut
    to_begin: Beginning


class DeliveryEvent(Schema):
    """`type` is delivered, failed, rejected, given_up or dropped; `code` is the cause of a failed attempt."""

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


class DatasetName(Schema):
    id: UUID
    name: str


class PanelAgent(Schema):
    """`role` is that of its messages, `title` what its composer says it is. `color` is null by its place."""

    role: str
    name: str
    color: int | None
    title: str


class PanelVersionOut(Schema):
    """`newest_version` is higher if the panel has changed since, and null if it was deleted."""

    id: UUID
    name: str
    version: int
    newest_version: int | None
    agents: list[PanelAgent]


class Detail(Summary):
    """`transcript` is the state of the conversation after its newest event: each of its `messages` has its checked
    `figures`; `snapshot` and `evidence` are the record, as in the events of these names. In `spent`, `usd` is null if
    the price of a call is unknown. `followed_by` are the debates that follow it, oldest first, as far as you may watch
    them. `panel_version` is the composed panel that it runs with, null for a built-in one."""

    content: str
    content_type: str
    sources: list[SourceOut]
    datasets: list[DatasetName]
    ws_url: str
    panel_version: PanelVersionOut | None
    limits: Amounts
    spent: Amounts
    deliveries: list[DeliveryOut]
    followed_by: list[UUID]
    transcript: dict[str, Any]


class EventOut(Schema):
    seq: int
    type: str
    at: datetime
    data: dict[str, Any]


class Events(Schema):
    """`head` is the newest seq; for the next page, set `after` to the last seq received."""

    head: int
    events: list[EventOut]


class Changed(Schema):
    """`title` is null for the question."""

    id: UUID
    title: str | None
    pinned: bool

    @staticmethod
    def resolve_pinned(conversation: Conversation) -> bool:
        return conversation.pinned_at is not None


class Deleted(Schema):
    """`was_running`: it was stopped first."""

    id: UUID
    was_running: bool


class RunningDebate(Schema):
    id: UUID
    topic: str
    status: Status
    url: str


class Busy(Refusal):
    """`running`: your running debates, oldest first, if there are as many as may run at once."""

    running: list[RunningDebate] | None = None


@router.post(
    "/",
    auth=needs("start"),
    response={201: Started, 403: Refusal, 404: Refusal, 409: Conflict, 422: Invalid, 429: Busy},
    summary="Start a debate",
)
async def start(request: AuthenticatedRequest, new: NewConversation) -> ApiStatus[Conversation]:
    return ApiStatus(201, await debates.start(request.auth, new))


@router.post(
    "/estimate",
    auth=needs("start"),
    response={200: Estimate, 403: Refusal, 404: Refusal, 422: Invalid, 429: Refusal},
    summary="Estimate the cost of a debate",
)
async def estimate(request: AuthenticatedRequest, new: NewConversation) -> dict[str, Any]:
    estimated, left = await debates.estimate(request.auth, new)
    return {**vars(estimated), "left": left}


@router.get(
    "/",
    auth=needs("watch"),
    response={200: Page, 403: Refusal, 404: Refusal, 429: Refusal},
    summary="List, filter and search your debates",
)
async def list_own(request: AuthenticatedRequest, query: Query[HistoryQuery]) -> dict[str, Any]:
    return await database.call(_page, request.auth, query)


@router.get(
    "/models",
    auth=needs("watch"),
    response={200: list[str], 403: Refusal, 429: Refusal},
    summary="The models that have spoken in your debates",
)
async def models(request: AuthenticatedRequest) -> list[str]:
    return await database.call(history.models, request.auth)


@router.get(
    "/{uuid:conversation}/",
    auth=needs("watch"),
    response={200: Detail, 403: Refusal, 404: Refusal, 429: Refusal},
    summary="The current state of a debate",
)
async def detail(request: AuthenticatedRequest, conversation: UUID) -> dict[str, Any]:
    return await database.call(_detail, request.auth, conversation)


@router.get(
    "/{uuid:conversation}/events",
    auth=needs("watch"),
    response={200: Events, 403: Refusal, 404: Refusal, 429: Refusal},
    summary="The events of a debate, page by page",
)
async def events(
    request: AuthenticatedRequest,
    conversation: UUID,
    after: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Field(ge=1, le=MAX_EVENTS)] = 100,
) -> dict[str, Any]:
    return await database.call(_events, request.auth, conversation, after, limit)


CHANGED: Any = {200: Changed, 403: Refusal, 404: Refusal, 422: Invalid, 429: Refusal}


@router.patch(
    "/{uuid:conversation}/",
    auth=needs("control"),
    response=CHANGED,
    summary="Rename or pin a debate",
)
async def change(request: AuthenticatedRequest, conversation: UUID, changes: Changes) -> Conversation:
    return await database.call(
        history.change, request.auth, conversation, changes, timeout=database.REQUEST_SECONDS
    )


@router.delete(
    "/{uuid:conversation}/",
    auth=needs("control"),
    response={200: Deleted, 403: Refusal, 404: Refusal, 429: Refusal},
    summary="Delete a debate from your history",
    description=(
        "A running debate is stopped first. From now on you do not see the debate anywhere; `restore` brings it back."
        " Deleting it again changes nothing. Reviewers can read it until the installation's retention or your erasure"
        " deletes it for good."
    ),
)
async def delete(request: AuthenticatedRequest, conversation: UUID) -> dict[str, Any]:
    return {"id": conversation, "was_running": await history.delete(request.auth, conversation)}


@router.post(
    "/{uuid:conversation}/restore",
    auth=needs("control"),
    response=CHANGED,
    summary="Undo the deletion of a debate",
)
async def restore(request: AuthenticatedRequest, conversation: UUID) -> Conversation:
    return await database.call(history.restore, request.auth, conversation, timeout=database.REQUEST_SECONDS)


RESTARTED: Any = {201: Started, 403: Refusal, 404: Refusal, 422: Invalid, 429: Busy}


@router.post(
    "/{uuid:conversation}/again",
    auth=needs("start"),
    response=RESTARTED,
    summary="Start a debate with the same input, or with some of it changed",
)
async def again(
    request: AuthenticatedRequest, conversation: UUID, changes: Restart | None = None
) -> ApiStatus[Conversation]:
    return ApiStatus(201, await debates.restart(request.auth, conversation, changes or SAME_INPUT))


@router.post(
    "/{uuid:conversation}/again/estimate",
    auth=needs("start"),
    response={200: Estimate, 403: Refusal, 404: Refusal, 422: Invalid, 429: Refusal},
    summary="Estimate the cost of starting a debate again",
)
async def estimate_again(
    request: AuthenticatedRequest, conversation: UUID, changes: Restart | None = None
) -> dict[str, Any]:
    estimated, left = await debates.estimate_restart(request.auth, conversation, changes or SAME_INPUT)
    return {**vars(estimated), "left": left}


ACCEPTED: Any = {
    202: commands.Accepted,
    403: Refusal,
    404: Refusal,
    409: Conflict,
    422: Invalid,
    429: Refusal,
}


@router.post(
    "/{uuid:conversation}/control",
    auth=needs("control"),
    response=ACCEPTED,
    summary="Pause, resume or cancel a debate, or ask for its verdict now",
)
async def control(
    request: AuthenticatedRequest, conversation: UUID, command: Command
) -> ApiStatus[commands.Accepted]:
    return ApiStatus(202, await debates.control(request.auth, conversation, command))


@router.post(
    "/{uuid:conversation}/input",
    auth=needs("control"),
    response=ACCEPTED,
    summary="Speak to the panel, or answer or skip a question",
)
async def say(
    request: AuthenticatedRequest, conversation: UUID, message: Input
) -> ApiStatus[commands.Accepted]:
    return ApiStatus(202, await debates.say(request.auth, conversation, message))


def _page(user: AbstractUser, query: HistoryQuery) -> dict[str, Any]:
    page = history.listed(user, query)
    results = [{**_summary(row), "excerpt": page.excerpts.get(row.pk)} for row in page.results]
    return {**vars(page), "results": results}


def _detail(user: AbstractUser, conversation: UUID) -> dict[str, Any]:
    found = permissions.watch(user, conversation)
    return {
        **_summary(found),
        "content": found.content,
        "content_type": found.content_type,
        "sources": sources.of(found),
        "datasets": datasets.of(found),
        "ws_url": found.ws_url,
        "panel_version": panels.version_of(found),
        "limits": service.limits(found),
        "spent": service.spent(found),
        "deliveries": deliveries.listed(found.pk),
        "followed_by": [*lists.followers(user, found).values_list("pk", flat=True)],
        "transcript": transcript.fold(queries.read_all(found.pk)),
    }


def _summary(conversation: Conversation) -> dict[str, Any]:
    return {
        **{name: getattr(conversation, name) for name in Summary.model_fields if name not in _COMPUTED},
        "follows": conversation.follows_id,
        "author": conversation.owner.get_username(),
        "organisation": conversation.organisation_id,
        "pinned": conversation.pinned_at is not None,
        "models": conversation.model_names,
        "status": Status.read(conversation.status),
        "mode": Mode.read(conversation.mode),
        "verdict": Stance.read(conversation.verdict["verdict"]) if conversation.verdict else None,
        "verdict_reason": conversation.verdict["reason"] if conversation.verdict else None,
        "url": conversation.get_absolute_url(),
    }


def _events(user: AbstractUser, conversation: UUID, after: int, limit: int) -> dict[str, Any]:
    found = permissions.watch(user, conversation)
    rows = found.events.filter(seq__gt=after).order_by("seq")[:limit]
    return {"head": found.head, "events": list(rows.values("seq", "type", "at", "data"))}
