"""AG-UI: a debate as an agent's run, for CopilotKit and every other client of the protocol.

POST {path}     a RunAgentInput; the response is the run's events, as Server-Sent Events

A thread is a conversation: the one with the thread's id, or the one that a run of the thread started.

1. A new thread: its last user message is the topic of a new debate. The same run again is the same debate, streamed
   from its beginning.
2. A new message in a thread whose debate goes on is sent to the panel, or answers the question that an agent has asked.
   `resume` answers a question by its id.
3. A run ends with RUN_FINISHED, or with RUN_ERROR where the debate failed or the stream broke off. A client that
   disconnects does not end the debate.

Every turn is a step and a text message. An event that AG-UI has no type for is a CUSTOM event: "outcry." and its type,
with its data. Message ids begin with the conversation's id, so that the debate's messages can be recognised when a
client sends the thread back.
"""

from typing import Any, Final
from uuid import UUID

from ag_ui.core import ResumeEntry, RunAgentInput, TextPart, UserMessage
from django.conf import settings
from pydantic import ValidationError
from starlette.routing import Route
from starlette.types import ASGIApp

from conversations.access.principals import Principal
from conversations.domain import requests
from conversations.domain.enums import Scope
from conversations.domain.errors import InvalidInput, Problem
from conversations.domain.requests import NewConversation
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.services import client_threads, debates
from streaming.http.endpoint import Endpoint
from streaming.http.request import Request
from streaming.http.stream_response import StreamResponse
from streaming.transports.agui.encoder import RunEncoder

TRANSPORT: Final = "agui"
# What `forwardedProps` may hold for a new debate; the topic is the message, and the run's id the idempotency key.
PROPERTIES: Final = frozenset(NewConversation.model_fields) - {"topic", "idempotency_key"}


def routes() -> list[Route]:
    return [Route(f"/{settings.OUTCRY_AGUI_PATH}", RunAgent())]


class RunAgent(Endpoint):
    """Starts a debate or sends a message to one, and streams it from its first event."""

    async def post(self, request: Request) -> ASGIApp:
        principal = await request.authenticate(Scope.WATCH, streams=True)
        run_input = _parse(await request.body())
        conversation = await _conversation(principal, run_input)
        encoder = RunEncoder(run_input, conversation.pk, conversation.topic)
        return StreamResponse(TRANSPORT, principal, conversation.pk, 0, encoder)


async def _conversation(principal: Principal, run_input: RunAgentInput) -> Conversation:
    """Start the run's debate, or store its new message or answer. Returns the debate's id."""
    user = principal.user
    last = run_input.messages[-1] if run_input.messages else None
    message = last if isinstance(last, UserMessage) else None
    run = client_threads.Run(run_input.thread_id, run_input.run_id, None if message is None else message.id)
    run.require_storable()
    found = await database.call(client_threads.find, user, run)
    if run_input.resume:
        answer = _answer(run_input)
        if found is None:
            raise InvalidInput.of("resume", "unknown_thread", "This thread has no debate to answer in.")
        if answer is not None:
            text = answer.payload.get("text") if isinstance(answer.payload, dict) else answer.payload
            key = client_threads.key(run_input.thread_id, answer.interrupt_id)
            # Without a text it is no answer; null would skip the question.
            said = "" if text is None else text
            await _send_message(principal, found.conversation, said, key, answer.interrupt_id)
    elif found is None or (not found.is_answered and found.conversation.is_finished):
        principal.require(Scope.START)
        return await debates.start(user, _new_conversation(run_input), run)
    elif message is not None and not found.is_answered:
        key = client_threads.key(run_input.thread_id, message.id)
        await _send_message(principal, found.conversation, _text(message), key, found.question)
    return found.conversation


def _answer(run_input: RunAgentInput) -> ResumeEntry | None:
    """The answer in `resume`, if any. Only one is allowed: if a second one were refused, the first would already be
    stored. Raises InvalidInput."""
    # An unresolved entry is ignored: the question expires, and the debate continues.
    resolved = [entry for entry in run_input.resume or () if entry.status == "resolved"]
    if len(resolved) > 1:
        raise InvalidInput.of("resume", "one_answer", "Answer one question in a run.")
    return resolved[0] if resolved else None


async def _send_message(
    principal: Principal, conversation: Conversation, text: Any, key: str, question: UUID | str | None
) -> None:
    principal.require(Scope.CONTROL)
    fields = {"text": text, "idempotency_key": key, "reply_to": question}
    await debates.say(principal.user, conversation.pk, requests.Input.parse(fields))


def _parse(body: bytes) -> RunAgentInput:
    try:
        return RunAgentInput.model_validate_json(body)
    except ValidationError as failure:
        raise InvalidInput(requests.problems(failure.errors(include_url=False))) from None


def _new_conversation(run_input: RunAgentInput) -> NewConversation:
    """The debate that a thread's messages ask for. Raises InvalidInput."""
    user_messages = [message for message in run_input.messages if isinstance(message, UserMessage)]
    props = {} if run_input.forwarded_props is None else run_input.forwarded_props
    if not isinstance(props, dict):
        raise InvalidInput.of("forwardedProps", "model_type", "This has to be a JSON object.")
    values = {name: value for name, value in props.items() if name in PROPERTIES}
    *earlier, topic = [*map(_text, user_messages)] or [""]
    context = [f"{each.description}:\n{each.value}" for each in run_input.context or ()]
    content = values.get("content", "")
    if isinstance(content, str):
        values["content"] = "\n\n".join(filter(None, [*earlier, *context, content]))
    if not (user_messages or values["content"] or values.get("sources")):
        raise InvalidInput.of("messages", "missing", "A debate needs a user message: its topic.")
    try:
        return requests.NewConversation.parse({**values, "topic": topic})
    except InvalidInput as refused:
        # The client sent the topic as a message: name that field in the error.
        raise InvalidInput(
            [
                Problem("messages", problem.rule, f"The last user message is the topic. {problem.message}")
                if problem.field == "topic"
                else problem
                for problem in refused.problems
            ]
        ) from None


def _text(message: UserMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    if not all(isinstance(part, TextPart) for part in message.content):
        raise InvalidInput.of("messages", "text_only", "Only text is supported.")
    return "\n".join(part.text for part in message.content if isinstance(part, TextPart))
