"""The doors: what people and programs ask for, checked, then done."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.utils import timezone

from conversations import database, log, providers, runner
from conversations.errors import LimitReached
from conversations.events import Status, StatusChanged
from conversations.forms import NewConversation
from conversations.models import Conversation


async def start(owner: AbstractUser, new: NewConversation) -> Conversation:
    """Create the conversation and have it run in this process; it goes on when the caller is gone.

    Raises LimitReached; then nothing is stored."""
    conversation = await database.run(create, owner, new)
    runner.launch(conversation.pk)
    return conversation


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
