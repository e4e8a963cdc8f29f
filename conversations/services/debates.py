"""Use cases of debates. Each checks the user's permission and rate limit first."""

from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from conversations.access import organisations, permissions, rate_limits
from conversations.access.permissions import AnyUser
from conversations.budgets import ledger, service
from conversations.budgets.service import Amounts
from conversations.domain import panels, requests
from conversations.domain.enums import Action, Status, WhenBusy
from conversations.domain.errors import (
    Busy,
    Conflict,
    Forbidden,
    LimitReached,
    Unauthenticated,
)
from conversations.domain.events import Control, HumanMessage, InputExpired, StatusChanged
from conversations.domain.requests import SAME_INPUT, Command, Input, NewConversation, Restart
from conversations.domain.routing import AUTO
from conversations.event_log import commands, store
from conversations.event_log.commands import Accepted
from conversations.infrastructure import database, tracing
from conversations.models import (
    Conversation,
    ConversationDataset,
    ConversationPanel,
    ConversationSource,
)
from conversations.outbox import deliveries
from conversations.providers import catalog, circuit_breaker
from conversations.runs import gathering, job_queue, places, supervisor
from conversations.runs.gathering import Known
from conversations.search import index
from conversations.services import client_threads, cost_estimate, datasets, instruments, sources
from conversations.services import panels as composed_panels
from conversations.services.cost_estimate import Estimate
from conversations.services.preparation import Prepared, prepare, require_team

# What a conversation keeps of its form besides its limits.
_INPUT: Final = ("topic", "content", "content_type", "panel", "rounds", "instrument", "as_of")
# The thread of the runs that idempotency keys name.
_KEYS: Final = "idempotency keys of new debates"


async def start(
    owner: AbstractUser, new: NewConversation, run: client_threads.Run | None = None
) -> Conversation:
    """Create the conversation and start its run, in this process or a worker. It does not depend on the client's
    connection. For a client's run, or with an idempotency key: a repeated request returns the conversation that the
    first one began.

    Raises InvalidInput, NotFound, LimitReached, Conflict and LogUnavailable; then nothing is stored."""
    with tracing.start():
        await rate_limits.start(str(owner.pk))
        new = await instruments.settled(new)
        if run is not None or new.idempotency_key is None:
            return await _start(owner, new, run)
        conversation = await _start(owner, new, client_threads.Run(_KEYS, new.idempotency_key, None))
        if not await database.call(_is_same, conversation, new, timeout=database.REQUEST_SECONDS):
            raise Conflict("This key was used for another debate.", conversation.status)
        return conversation


async def restart(user: AbstractUser, conversation: UUID, changes: Restart = SAME_INPUT) -> Conversation:
    """Start a new conversation with the input of one that the user owns, but for the changes. Each provider whose
    circuit is open is called once more.

    Raises InvalidInput, NotFound, Forbidden, LimitReached and LogUnavailable; then nothing is stored."""
    with tracing.start():
        await rate_limits.start(str(user.pk))
        new = await database.call(_input_of, user, conversation, changes, timeout=database.REQUEST_SECONDS)
        await circuit_breaker.let_probe(catalog.live())
        return await _start(user, new, None)


async def estimate(user: AbstractUser, new: NewConversation) -> tuple[Estimate, Amounts]:
    """The conversation's estimated cost, and what is left of today's limits. Raises InvalidInput,
    NotFound, LimitReached and LogUnavailable."""
    await rate_limits.estimate(str(user.pk))
    return await _estimated(user, await instruments.settled(new))


async def estimate_restart(
    user: AbstractUser, conversation: UUID, changes: Restart = SAME_INPUT
) -> tuple[Estimate, Amounts]:
    """The estimated cost of what `restart` would start, and what is left of today's limits. Raises InvalidInput,
    NotFound, Forbidden, LimitReached and LogUnavailable."""
    await rate_limits.estimate(str(user.pk))
    new = await database.call(_input_of, user, conversation, changes, timeout=database.REQUEST_SECONDS)
    return await _estimated(user, new)


async def control(user: AnyUser, conversation: UUID, command: Command) -> Accepted:
    """Store a user's command and notify the run, which then stores a `status` event.

    Raises NotFound, Forbidden, Finished, Conflict, LimitReached and LogUnavailable; then nothing is stored."""
    await database.call(permissions.control, user, conversation, timeout=database.REQUEST_SECONDS)
    await rate_limits.control(str(user.pk))
    event = Control(action=command.action, actor=user.get_username(), idempotency_key=command.idempotency_key)
    accepted = await commands.submit(conversation, event)
    if command.action is Action.CANCEL:
        # A run stores the cancellation, so the debate must not wait for a place.
        await places.release(conversation)
    return accepted


async def say(user: AnyUser, conversation: UUID, message: Input) -> Accepted:
    """Store a user's message to the panel, or, with `reply_to`, the answer to an agent's question, or that it is
    skipped; notify the run.

    Raises InvalidInput, NotFound, Forbidden, Finished, Conflict, LimitReached and LogUnavailable; then nothing is
    stored."""
    allowed = permissions.speak if message.reply_to is None else permissions.control
    found = await database.call(allowed, user, conversation, timeout=database.REQUEST_SECONDS)
    await rate_limits.control(str(user.pk))
    to = None
    if message.to is not None:
        team = await database.call(getattr, found, "team", timeout=database.REQUEST_SECONDS)
        to = panels.role_of(team, message.to)
    return await commands.submit(conversation, _said(user.get_username(), message, to))


def _is_same(conversation: Conversation, new: NewConversation) -> bool:
    """Whether the conversation was started with this input. Its topic may have been taken from its sources, and its
    number of rounds from its panel."""
    left_out = {"topic"} if not new.topic else set()
    if new.panel not in (AUTO, *panels.PANELS) and "rounds" not in new.model_fields_set:
        left_out.add("rounds")
    given = [name for name in _INPUT if name not in left_out]
    stored = {**{name: getattr(conversation, name) for name in given}, "panel": _asked_panel(conversation)}
    is_same = all(stored[name] == getattr(new, name) for name in given)
    follows = conversation.follows_id == new.follows
    is_same = is_same and conversation.organisation_id == new.organisation
    chosen = (_source_ids(conversation), _dataset_ids(conversation))
    return is_same and follows and chosen == (new.sources, new.datasets)


def _asked_panel(conversation: Conversation) -> str:
    return AUTO if conversation.is_automatic else conversation.panel


def _source_ids(conversation: Conversation) -> list[UUID]:
    return list(conversation.sources.values_list("pk", flat=True))


def _dataset_ids(conversation: Conversation) -> list[UUID]:
    return list(conversation.datasets.values_list("pk", flat=True))


def create(owner: AbstractUser, new: NewConversation) -> Conversation:
    """Store a queued conversation with its first event, its ledger entry and its deliveries, and, if workers run
    debates, its job. If it waits for a place, its reason is BUSY, and it has no job yet.

    Raises InvalidInput if it may not follow what it names, or its texts are too long, NotFound for a source,
    LimitReached, and Unauthenticated if the owner is disabled, or is being erased."""
    return _store(owner, prepare(owner, new))


def _store(owner: AbstractUser, prepared: Prepared) -> Conversation:
    require_team(prepared)
    new, provider = prepared.new, prepared.provider
    with transaction.atomic():
        # Lock the owner's row, so that two concurrent starts cannot both take the last place, and that an erasure
        # either finds this debate or prevents it.
        locked = get_user_model().objects.select_for_update().filter(pk=owner.pk, is_active=True)
        if not list(locked.values_list("pk")):
            raise Unauthenticated("This account is disabled.")
        if new.organisation is not None:
            organisations.lock_membership(owner, new.organisation)
        waits = _must_wait(owner, new.when_busy)
        service.require_today(owner.pk, *prepared.calls)
        sources.lock(prepared.sources)
        datasets.lock(prepared.datasets)
        if prepared.version is not None:
            composed_panels.lock(prepared.version)
        conversation = Conversation.objects.create(
            owner_id=owner.pk,
            **new.model_dump(include={*_INPUT}),
            is_automatic=prepared.is_automatic,
            follows_id=new.follows,
            organisation_id=new.organisation,
            mode=provider.mode,
            reason=places.BUSY if waits else None,
            traceparent=tracing.traceparent(),
            max_usd=ledger.exact(service.stricter(new.max_usd, settings.OUTCRY_MAX_USD_PER_CONVERSATION)),
            max_tokens=service.stricter(new.max_tokens, settings.OUTCRY_MAX_TOKENS_PER_CONVERSATION),
            max_seconds=service.stricter(new.max_seconds, settings.OUTCRY_MAX_SECONDS_PER_CONVERSATION),
        )
        ConversationSource.objects.bulk_create(
            ConversationSource(conversation=conversation, source=source, position=position)
            for position, source in enumerate(prepared.sources)
        )
        ConversationDataset.objects.bulk_create(
            ConversationDataset(conversation=conversation, dataset=dataset, position=position)
            for position, dataset in enumerate(prepared.datasets)
        )
        if prepared.version is not None:
            ConversationPanel.objects.create(conversation=conversation, version=prepared.version)
        index.add_input(conversation)
        # So that its costs are 0 from the start, instead of unknown.
        ledger.open_entries([ledger.conversation_account(conversation)])
        queued = StatusChanged(status=Status.QUEUED, mode=provider.mode, reason=conversation.reason)
        store.store_batch([store.Append(conversation.pk, None, [queued], timezone.now())])
        deliveries.plan(conversation.pk)
        if job_queue.is_used() and not waits:
            job_queue.enqueue(conversation.pk)
    return conversation


def _said(person: str, message: Input, to: str | None) -> HumanMessage | InputExpired:
    """The event of what a person said; `to` is the role of the agent that is to answer."""
    key, reply_to = message.idempotency_key, message.reply_to
    if message.text is None:
        # A form without text has a question to skip.
        assert reply_to is not None  # noqa: S101
        return InputExpired(request=reply_to, actor=person, idempotency_key=key)
    return HumanMessage(author=person, text=message.text, reply_to=reply_to, idempotency_key=key, to=to)


def _must_wait(owner: AbstractUser, when_busy: WhenBusy) -> bool:
    """Whether a new debate has to wait for a place. Raises Busy if it may not wait."""
    running = Conversation.objects.running().filter(owner_id=owner.pk).order_by("created_at", "id")
    limit = settings.OUTCRY_MAX_RUNNING_PER_USER
    found = [*running[: limit + places.MAX_WAITING]]
    if len(found) < limit:
        return False
    if when_busy is WhenBusy.QUEUE and len(found) < limit + places.MAX_WAITING:
        return True
    listed = [
        {"id": str(each.pk), "topic": each.topic, "status": each.status, "url": each.get_absolute_url()}
        for each in found
    ]
    are = "debate is" if limit == 1 else "debates are"
    raise Busy(f"{limit} {are} already running (the maximum). Stop one or wait.", listed)


async def _start(owner: AbstractUser, new: NewConversation, run: client_threads.Run | None) -> Conversation:
    conversation, is_new = await database.call(
        _create_once, owner, new, run, timeout=database.REQUEST_SECONDS
    )
    # If workers run debates, `create` has enqueued the job. One that waits for a place is launched when it has one.
    if is_new and conversation.reason is None and not job_queue.is_used():
        supervisor.launch(conversation.pk)
    return conversation


def _create_once(
    owner: AbstractUser, new: NewConversation, run: client_threads.Run | None
) -> tuple[Conversation, bool]:
    prepared = prepare(owner, new)
    if not new.truncate:
        cost_estimate.require_fit(prepared.question, prepared.provider, prepared.team)
    cost_estimate.require_least(
        prepared.new,
        prepared.question,
        prepared.provider,
        prepared.team,
        is_supervised=prepared.is_supervised,
    )
    try:
        with transaction.atomic():
            conversation = _store(owner, prepared)
            if run is not None:
                client_threads.keep(owner, run, conversation)
    except (IntegrityError, LimitReached):
        # A concurrent request for the same run was first, and may have taken the owner's last place.
        if run is None or (begun := client_threads.begun_by(owner, run)) is None:
            raise
        return begun, False
    return conversation, True


def _input_of(user: AnyUser, conversation: UUID, changes: Restart) -> NewConversation:
    found, may = permissions.admit(user, conversation)
    if not may.speak:
        raise Forbidden("Only the owner of this debate may start it again.")
    limits = service.limits(found)
    return requests.NewConversation.parse(
        {
            **{name: getattr(found, name) for name in _INPUT},
            "panel": _asked_panel(found),
            "sources": _source_ids(found),
            "datasets": _dataset_ids(found),
            "organisation": found.organisation_id,
            "follows": found.pk if changes.follows else found.follows_id,
            **changes.model_dump(include={"topic", "rounds", "panel", "when_busy"}, exclude_none=True),
            # The settings may be stricter now than when the original started.
            "truncate": True,
            "max_usd": service.stricter(limits.usd, settings.OUTCRY_MAX_USD_PER_CONVERSATION),
            "max_tokens": service.stricter(limits.tokens, settings.OUTCRY_MAX_TOKENS_PER_CONVERSATION),
            "max_seconds": service.stricter(limits.seconds, settings.OUTCRY_MAX_SECONDS_PER_CONVERSATION),
        }
    )


async def _estimated(user: AbstractUser, new: NewConversation) -> tuple[Estimate, Amounts]:
    # Sources are asked, as at the start of the debate, which then finds their answers in the cache.
    known = await gathering.known(new.instrument, new.as_of or timezone.now())
    return await database.call(_estimate, user, new, known, timeout=database.REQUEST_SECONDS)


def _estimate(user: AbstractUser, new: NewConversation, known: Known) -> tuple[Estimate, Amounts]:
    prepared = prepare(user, new, known)
    estimated = cost_estimate.estimate(
        prepared.new,
        prepared.question,
        prepared.provider,
        prepared.team,
        is_supervised=prepared.is_supervised,
    )
    return estimated, service.left_today(user.pk)
