"""AG-UI: a debate as an agent's run, for CopilotKit and every other client of the protocol.

POST {path}     a RunAgentInput; the answer is the run's events, as Server-Sent Events

A thread is a conversation: one whose id the thread is, or one that a run of the thread began. A new thread's last user
message is the topic of a new debate; the same run asked for again is the same debate, from its beginning. A new message
in a thread whose debate goes on is said in it, or answers what an agent has asked, and `resume` answers a question by
its id. A run ends with RUN_FINISHED, or with RUN_ERROR where the debate failed or the stream broke off; a client that
goes away ends nothing.

Every turn is a step and a text message. What AG-UI has no event for is a CUSTOM event: "outcry." and the event's type,
with the event's data. Ids of messages begin with the conversation's, so that what a client sends back of them is told
from the rest of its thread.
"""

import re
from typing import Any, Final
from uuid import UUID

from ag_ui.core import (
    RunAgentInput,
    TextPart,
    UserMessage,
)
from django.conf import settings
from pydantic import ValidationError

from conversations.domain import requests
from conversations.domain.enums import Scope
from conversations.domain.errors import InvalidInput, Problem
from conversations.domain.requests import NewConversation
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.services import client_threads, debates
from streaming.http.endpoint import Endpoint
from streaming.http.request import Request, Visitor
from streaming.http.stream_response import Stream, headers, respond
from streaming.transports.agui.encoder import Events

TRANSPORT: Final = "agui"
# What `forwardedProps` may say of a new debate; the topic is the message.
PROPERTIES: Final = frozenset(NewConversation.model_fields) - {"topic"}


def doors() -> list[tuple[str, Endpoint]]:
    """The addresses of this transport."""
    return [(re.escape(f"/{settings.OUTCRY_AGUI_PATH}"), Running())]


class Running(Endpoint):
    """Runs: starts a debate, or takes part in one, and follows it from its beginning."""

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        visitor = await request.visitor()
        visitor.caller.require(Scope.WATCH)
        asked = _asked(request.body)
        conversation = await _conversation(visitor, asked)
        events = Events(asked, conversation.pk, conversation.topic)
        told = headers(conversation.pk, f"{events.encoder.get_content_type()}; charset=utf-8")
        stream = Stream(TRANSPORT, visitor, conversation.pk, 0, events, told)
        await respond(request, stream, receive, send)


async def _conversation(visitor: Visitor, asked: RunAgentInput) -> Conversation:
    """The debate that the run is about, once what it brings has been said or done."""
    person = visitor.caller.user
    message = asked.messages[-1] if asked.messages and isinstance(asked.messages[-1], UserMessage) else None
    run = client_threads.Run(asked.thread_id, asked.run_id, None if message is None else message.id)
    run.require_storable()
    found = await database.call(client_threads.find, person, run)
    if asked.resume:
        answers = _answers(asked)
        if found is None:
            raise InvalidInput(
                [Problem("resume", "unknown_thread", "This thread has no debate to answer in.")]
            )
        for said, question in answers:
            await _say(visitor, found.conversation, said, question)
    elif found is None or (not found.is_answered and found.conversation.is_finished):
        visitor.caller.require(Scope.START)
        return await debates.start_once(person, _new(asked), run)
    elif message is not None and not found.is_answered:
        said = {"text": _text(message), "idempotency_key": client_threads.key(asked.thread_id, message.id)}
        await _say(visitor, found.conversation, said, found.question)
    return found.conversation


def _answers(asked: RunAgentInput) -> list[tuple[dict[str, Any], str]]:
    """What `resume` answers, and which question. At most one: of several, a refusal of the second would come when the
    first is stored. Raises InvalidInput."""
    # Who does not answer lets the time run out, and the debate goes on.
    resolved = [entry for entry in asked.resume or () if entry.status == "resolved"]
    if len(resolved) > 1:
        raise InvalidInput([Problem("resume", "one_answer", "Answer one question in a run.")])
    answers = []
    for entry in resolved:
        text = entry.payload.get("text") if isinstance(entry.payload, dict) else entry.payload
        key = client_threads.key(asked.thread_id, entry.interrupt_id)
        answers.append(({"text": text, "idempotency_key": key}, entry.interrupt_id))
    return answers


async def _say(
    visitor: Visitor, conversation: Conversation, said: dict[str, Any], reply_to: UUID | str | None
) -> None:
    visitor.caller.require(Scope.CONTROL)
    words = requests.parse_input({**said, "reply_to": reply_to})
    await debates.say(visitor.caller.user, conversation.pk, words)


def _asked(body: bytes) -> RunAgentInput:
    try:
        return RunAgentInput.model_validate_json(body)
    except ValidationError as failure:
        raise InvalidInput(requests.problems(failure.errors(include_url=False))) from None


def _new(asked: RunAgentInput) -> NewConversation:
    """The debate that a thread's messages ask for. Raises InvalidInput."""
    spoken = [message for message in asked.messages if isinstance(message, UserMessage)]
    if not spoken:
        raise InvalidInput([Problem("messages", "missing", "A debate needs a user message: its topic.")])
    props = {} if asked.forwarded_props is None else asked.forwarded_props
    if not isinstance(props, dict):
        raise InvalidInput([Problem("forwardedProps", "model_type", "This has to be a JSON object.")])
    values = {name: value for name, value in props.items() if name in PROPERTIES}
    *earlier, topic = map(_text, spoken)
    context = [f"{each.description}:\n{each.value}" for each in asked.context or ()]
    content = values.get("content", "")
    if isinstance(content, str):
        values["content"] = "\n\n".join(filter(None, [*earlier, *context, content]))
    try:
        return requests.parse({**values, "topic": topic})
    except InvalidInput as refused:
        # In the client's words: it gave no topic.
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
        raise InvalidInput([Problem("messages", "text_only", "Agents here read nothing but text.")])
    return "\n".join(part.text for part in message.content if isinstance(part, TextPart))
