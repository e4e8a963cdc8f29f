"""A conversation's log, read by the run that goes on with it."""

from uuid import UUID

from django.conf import settings

from conversations.agents.turn import Limits
from conversations.budgets.service import ConversationBudget
from conversations.domain import transcript
from conversations.domain.enums import Kind, Mode
from conversations.domain.events import AgentMessage
from conversations.domain.human_input import HumanInput
from conversations.domain.panels import PANELS
from conversations.event_log import queries
from conversations.models import Conversation
from conversations.orchestration.debate import BUDGET, Debate
from conversations.prompts.builder import Question
from conversations.providers.provider_errors import UNBILLED
from conversations.providers.selection import lineup


def read(conversation: UUID) -> tuple[Debate, HumanInput]:
    """The debate as far as its log has it, and what people have told it. Finished turns stand, a turn that was cut is
    spoken again."""
    row = Conversation.objects.get(pk=conversation)
    state, people = transcript.empty(), HumanInput()
    whole: list[AgentMessage] = []
    for seq, type_, data in queries.read_all(conversation):
        transcript.fold([(seq, type_, data)], state)
        people.take(seq, type_, data)
        if type_ == "agent_message":
            whole.append(AgentMessage.model_validate(data))
    stands = {message["id"] for message in state["messages"] if message["state"] == "done"}
    judged = state["complete"] is not None
    # A judgement without its verdict is given again.
    said = [
        message
        for message in whole
        if str(message.message) in stands and (judged or message.kind is not Kind.FINAL)
    ]
    kept = {str(message.message) for message in said}
    unfinished = [
        UUID(message["id"])
        for message in state["messages"]
        if message["state"] != "discarded" and message["id"] not in kept
    ]
    debate = Debate(
        question=Question(row.topic, row.content, row.content_type, row.rounds),
        panel=PANELS[row.panel],
        providers=lineup(),
        limits=Limits(
            settings.OUTCRY_FIRST_TOKEN_SECONDS,
            settings.OUTCRY_STALL_SECONDS,
            settings.OUTCRY_WHOLE_ANSWER_SECONDS,
            settings.OUTCRY_INPUT_TIMEOUT_SECONDS,
            settings.OUTCRY_MAX_PROMPT_TOKENS,
        ),
        said=said,
        unfinished=unfinished,
        judged=judged,
        discarded=sum(
            message["state"] == "discarded" and message["discard_reason"] not in UNBILLED
            for message in state["messages"]
        ),
        asked=people.question_after([message.message for message in said]),
        purse=ConversationBudget(conversation),
        is_demo=row.mode == Mode.DEMO,
        reason=BUDGET if judged and row.reason == BUDGET else None,
    )
    return debate, people
