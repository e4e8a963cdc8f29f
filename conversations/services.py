"""The doors: what people and programs ask for, checked, then done."""

from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.utils import timezone

from conversations import access, commands, database, log, providers, runner
from conversations.commands import Accepted
from conversations.errors import LimitReached
from conversations.events import Control, HumanMessage, Status, StatusChanged
from conversations.forms import Command, Input, NewConversation
from conversations.models import Conversation


async def start(owner: AbstractUser, new: NewConversation) -> Conversation:
    """Create the conversation and have it run in this process; it goes on when the caller is gone.

    Raises LimitReached; then nothing is stored."""
    conversation = await database.run(create, owner, new)
    runner.launch(conversation.pk)
    return conversation


async def control(person: access.Person, conversation: UUID, command: Command) -> Accepted:
    """Record a person's command, and tell the run, which answers with a `status`.

    Raises NotFound, Forbidden, Finished, Conflict and LogUnavailable; then nothing is stored."""
    await database.run(access.control, person, conversation)
    told = Control(
        action=command.action, actor=person.get_username(), idempotency_key=command.idempotency_key
    )
    return await commands.tell(conversation, told)


async def say(person: access.Person, conversation: UUID, words: Input) -> Accepted:
    """Record what a person says to the panel, or, with `reply_to`, in answer to an agent's question.

    Raises NotFound, Forbidden, Finished, Conflict and LogUnavailable; then nothing is stored."""
    allowed = access.speak if words.reply_to is None else access.control
    await database.run(allowed, person, conversation)
    told = HumanMessage(
        author=person.get_username(),
        text=words.text,
        reply_to=words.reply_to,
        idempotency_key=words.idempotency_key,
    )
    return await commands.tell(conversation, told)


def create(owner: AbstractUser, new: NewConversation) -> Conversation:
    """Store a queued conversation with its first event. Raises LimitReached."""
    mode = providers.configured()[0].mode
    with transaction.atomic():
        # The owner's row serves as the lock: two starts at once cannot both take the last place.
        get_user_model().objects.select_for_update().get(pk=owner.pk)
        running = Conversation.objects.running().filter(owner_id=owner.pk).count()
        if running >= settings.OUTCRY_MAX_RUNNING_PER_USER:
            raise LimitReached(
                f"You have {running} debates running, and {settings.OUTCRY_MAX_RUNNING_PER_USER} are allowed at once."
            )
        conversation = Conversation.objects.create(
            owner_id=owner.pk,
            topic=new.topic,
            content=new.content,
            content_type=new.content_type,
            panel=new.panel,
            rounds=new.rounds,
            mode=mode,
        )
        queued = StatusChanged(status=Status.QUEUED, mode=mode)
        log.store([log.Append(conversation.pk, None, [queued], timezone.now())])
    return conversation
