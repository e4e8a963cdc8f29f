"""Use cases of debates. Each checks the user's permission and rate limit first."""

from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from conversations.access import permissions, rate_limits
from conversations.access.permissions import AnyUser
from conversations.budgets import ledger, service
from conversations.budgets.service import Amounts
from conversations.domain import panels, requests
from conversations.domain.enums import Status
from conversations.domain.errors import Forbidden, LimitReached, Unauthenticated
from conversations.domain.events import Control, HumanMessage, InputExpired, StatusChanged
from conversations.domain.requests import Command, Input, NewConversation
from conversations.event_log import commands, store
from conversations.event_log.commands import Accepted
from conversations.infrastructure import database, tracing
from conversations.models import Conversation
from conversations.outbox import deliveries
from conversations.providers import catalog, circuit_breaker
from conversations.runs import job_queue, supervisor
from conversations.services import client_threads, cost_estimate
from conversations.services.cost_estimate import Estimate

# What a conversation keeps of its form besides its limits.
_INPUT: Final = ("topic", "content", "content_type", "panel", "rounds")


async def start(
    owner: AbstractUser, new: NewConversation, run: client_threads.Run | None = None
) -> Conversation:
    """Create the conversation and start its run, in this process or a worker. It does not depend on the client's
    connection. For a client's run: a repeated request returns the conversation that the run began.

    Raises LimitReached and LogUnavailable; then nothing is stored."""
    with tracing.start():
        await rate_limits.start(str(owner.pk))
        return await _start(owner, new, run)


async def restart(user: AbstractUser, conversation: UUID) -> Conversation:
    """Start a new conversation with the input of one that the user owns. Each provider whose circuit is open is called
    once more.

    Raises NotFound, Forbidden, LimitReached and LogUnavailable; then nothing is stored."""
    with tracing.start():
        await rate_limits.start(str(user.pk))
        new = await database.call(_input_of, user, conversation, timeout=database.REQUEST_SECONDS)
        await circuit_breaker.let_probe(catalog.live())
        return await _start(user, new, None)


async def estimate(user: AbstractUser, new: NewConversation) -> tuple[Estimate, Amounts]:
    """The conversation's estimated cost, and what is left of today's limits. Raises LimitReached and
    LogUnavailable."""
    await rate_limits.estimate(str(user.pk))
    return await database.call(_estimate, user, new, timeout=database.REQUEST_SECONDS)


async def control(user: AnyUser, conversation: UUID, command: Command) -> Accepted:
    """Store a user's command and notify the run, which then stores a `status` event.

    Raises NotFound, Forbidden, Finished, Conflict, LimitReached and LogUnavailable; then nothing is stored."""
    await database.call(permissions.control, user, conversation, timeout=database.REQUEST_SECONDS)
    await rate_limits.control(str(user.pk))
    event = Control(action=command.action, actor=user.get_username(), idempotency_key=command.idempotency_key)
    return await commands.submit(conversation, event)


async def say(user: AnyUser, conversation: UUID, message: Input) -> Accepted:
    """Store a user's message to the panel, or, with `reply_to`, the answer to an agent's question, or that it is
    skipped; notify the run.

    Raises InvalidInput, NotFound, Forbidden, Finished, Conflict, LimitReached and LogUnavailable; then nothing is
    stored."""
    allowed = permissions.speak if message.reply_to is None else permissions.control
    found = await database.call(allowed, user, conversation, timeout=database.REQUEST_SECONDS)
    await rate_limits.control(str(user.pk))
    return await commands.submit(conversation, _said(user.get_username(), message, found.panel))


def create(owner: AbstractUser, new: NewConversation) -> Conversation:
    """Store a queued conversation with its first event, its ledger entry and its deliveries, and, if workers run
    debates, its job. Raises LimitReached, and Unauthenticated if the owner is disabled, or is being erased."""
    provider = catalog.configured()[0]
    with transaction.atomic():
        # Lock the owner's row, so that two concurrent starts cannot both take the last place, and that an erasure
        # either finds this debate or prevents it.
        locked = get_user_model().objects.select_for_update().filter(pk=owner.pk, is_active=True)
        if not list(locked.values_list("pk")):
            raise Unauthenticated("This account is disabled.")
        limit = settings.OUTCRY_MAX_RUNNING_PER_USER
        if Conversation.objects.running().filter(owner_id=owner.pk).count() >= limit:
            raise LimitReached(f"Your limit of running debates is {limit}. Wait until one ends, or stop one.")
        service.require_today(owner.pk, *cost_estimate.first_and_last(new, provider))
        conversation = Conversation.objects.create(
            owner_id=owner.pk,
            **new.model_dump(include={*_INPUT}),
            mode=provider.mode,
            traceparent=tracing.traceparent(),
            max_usd=ledger.exact(service.stricter(new.max_usd, settings.OUTCRY_MAX_USD_PER_CONVERSATION)),
            max_tokens=service.stricter(new.max_tokens, settings.OUTCRY_MAX_TOKENS_PER_CONVERSATION),
            max_seconds=service.stricter(new.max_seconds, settings.OUTCRY_MAX_SECONDS_PER_CONVERSATION),
        )
        # So that its costs are 0 from the start, instead of unknown.
        ledger.open_entries([ledger.conversation_account(conversation)])
        queued = StatusChanged(status=Status.QUEUED, mode=provider.mode)
        store.store_batch([store.Append(conversation.pk, None, [queued], timezone.now())])
        deliveries.plan(conversation.pk)
        if job_queue.is_used():
            job_queue.enqueue(conversation.pk)
    return conversation


def _said(person: str, message: Input, panel: str) -> HumanMessage | InputExpired:
    """The event of what a person said. Raises InvalidInput if it is to somebody who is not in the panel."""
    key, reply_to = message.idempotency_key, message.reply_to
    if message.text is None:
        # A form without text has a question to skip.
        assert reply_to is not None  # noqa: S101
        return InputExpired(request=reply_to, actor=person, idempotency_key=key)
    to = None if message.to is None else panels.role_of(panel, message.to)
    return HumanMessage(author=person, text=message.text, reply_to=reply_to, idempotency_key=key, to=to)


async def _start(owner: AbstractUser, new: NewConversation, run: client_threads.Run | None) -> Conversation:
    conversation, is_new = await database.call(
        _create_once, owner, new, run, timeout=database.REQUEST_SECONDS
    )
    # If workers run debates, `create` has enqueued the job.
    if is_new and not job_queue.is_used():
        supervisor.launch(conversation.pk)
    return conversation


def _create_once(
    owner: AbstractUser, new: NewConversation, run: client_threads.Run | None
) -> tuple[Conversation, bool]:
    try:
        with transaction.atomic():
            conversation = create(owner, new)
            if run is not None:
                client_threads.keep(owner, run, conversation)
    except (IntegrityError, LimitReached):
        # A concurrent request for the same run was first, and may have taken the owner's last place.
        if run is None or (begun := client_threads.begun_by(owner, run)) is None:
            raise
        return begun, False
    return conversation, True


def _input_of(user: AnyUser, conversation: UUID) -> NewConversation:
    found = permissions.watch(user, conversation)
    if not permissions.may_speak(user, found):
        raise Forbidden("Only the owner of this debate may start it again.")
    limits = service.limits(found)
    return requests.NewConversation.parse(
        {
            **{name: getattr(found, name) for name in _INPUT},
            # The settings may be stricter now than when the original started.
            "max_usd": service.stricter(limits.usd, settings.OUTCRY_MAX_USD_PER_CONVERSATION),
            "max_tokens": service.stricter(limits.tokens, settings.OUTCRY_MAX_TOKENS_PER_CONVERSATION),
            "max_seconds": service.stricter(limits.seconds, settings.OUTCRY_MAX_SECONDS_PER_CONVERSATION),
        }
    )


def _estimate(user: AbstractUser, new: NewConversation) -> tuple[Estimate, Amounts]:
    return cost_estimate.estimate(new, catalog.configured()[0]), service.left_today(user.pk)
