"""Reading the debate that another one follows."""

from uuid import UUID

from conversations.domain import transcript
from conversations.event_log import queries
from conversations.models import Conversation
from conversations.prompts import earlier
from conversations.prompts.earlier import EarlierDebate

# The events that a debate which follows knows of: not tokens, of which there are many.
_TYPES = ("message_start", "agent_message", "complete")


def read(conversation: UUID | None) -> EarlierDebate | None:
    """The earlier debate; None if there is none, or it was deleted."""
    if conversation is None:
        return None
    topic = Conversation.objects.filter(pk=conversation).values_list("topic", flat=True).first()
    if topic is None:
        return None
    state = transcript.empty()
    for seq, type_, data in queries.read_all(conversation, types=_TYPES):
        transcript.apply(state, seq, type_, data)
    return earlier.of(topic, state)
