"""This site as an A2A agent: what others ask of it, over the log, in the SDK's terms.

What lasts is not answered here: a call is told what there is to follow.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final
from uuid import UUID

import structlog
from a2a.server.context import ServerCallContext
from a2a.server.request_handlers.request_handler import RequestHandler, validate_request_params
from a2a.types import ListTasksRequest, ListTasksResponse, Message, Role, SendMessageRequest, Task
from a2a.utils.errors import (
    A2AError,
    ContentTypeNotSupportedError,
    ExtendedAgentCardNotConfiguredError,
    InternalError,
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from django.contrib.auth.models import AbstractUser
from google.protobuf import json_format
from google.protobuf.json_format import MessageToDict

from conversations.domain import requests
from conversations.domain.enums import Action, Scope
from conversations.domain.errors import Conflict, Finished, InvalidInput, NotFound, OutcryError, Problem
from conversations.domain.requests import Command
from conversations.infrastructure import database
from conversations.services import client_threads, debates
from streaming.http.request import Visitor
from streaming.transports.a2a import task_store
from streaming.transports.a2a.task import ENDED, SETTLED, Told

logger = structlog.get_logger(__name__)

MAX_MESSAGE_ID: Final = 200
MAX_CONTEXT_ID: Final = 190
# A run takes a cancel at once; one that has nobody who runs it, when it is taken up.
CANCEL_SECONDS: Final = 10.0
FAULT: Final = "Something went wrong at our end."


@dataclass(frozen=True)
class Following:
    """What the response is to follow. Where it `waits`, it is one whole task, told as soon as that is settled, or after
    so many seconds; `is_sent`: as the answer to a message."""

    conversation: UUID
    told: Told
    waits: bool
    is_sent: bool = False
    seconds: float | None = None


@dataclass
class Call:
    """A request on its way through the SDK: who asks, whether for a stream, and what came of it that the SDK cannot
    say."""

    visitor: Visitor
    streams: bool
    following: Following | None = None
    refused: OutcryError | None = None

    @property
    def person(self) -> AbstractUser:
        return self.visitor.caller.user

    def require(self, *scopes: str) -> None:
        for scope in scopes:
            self.visitor.caller.require(scope)


Work = Callable[["Handler", Any, Call], Awaitable[Any]]


def _answers(work: Work) -> Any:
    """A method of the SDK's handler: what goes wrong in it is told as A2A has it, and nothing else is told."""

    @wraps(work)
    async def answer(handler: "Handler", params: Any, context: ServerCallContext) -> Any:
        call: Call = context.state["call"]
        try:
            return await work(handler, params, call)
        except A2AError:
            raise
        except OutcryError as refused:
            raise _as_a2a(refused, call) from None
        except Exception:
            logger.exception("a2a_failed", method=work.__name__)
            raise InternalError(FAULT) from None

    return validate_request_params(answer)


def _as_a2a(refused: OutcryError, call: Call) -> A2AError:
    match refused:
        case NotFound():
            return TaskNotFoundError()
        case InvalidInput():
            errors = [{"field": problem.field, "message": problem.message} for problem in refused.problems]
            return InvalidParamsError(refused.message, data={"errors": errors})
        case Finished() | Conflict():
            return UnsupportedOperationError(
                refused.message, data={"code": refused.code, "status": refused.status}
            )
    # It has a status of HTTP's own, and a time to come back.
    call.refused = refused
    return InternalError(refused.message)


class Handler(RequestHandler):
    """The agent, over the log."""

    @_answers
    async def on_message_send(self, params: SendMessageRequest, call: Call) -> Task:
        call.require(Scope.WATCH, Scope.CONTROL if params.message.task_id else Scope.START)
        _require_plain(params)
        waits = not params.configuration.return_immediately
        if params.message.task_id:
            conversation, after = await _say(call, params.message)
            told = await database.call(task_store.read, call.person, conversation, after if waits else None)
        else:
            conversation = await _start(call, params.message)
            told = await database.call(task_store.read, call.person, conversation, None)
            # Whoever repeats a message may come when it is over.
            waits = waits and told.task.status.state not in SETTLED
        task_store.shorten(told.task, params.configuration)
        if call.streams or waits:
            call.following = Following(conversation, told, waits=not call.streams, is_sent=True)
        return told.task

    @_answers
    async def on_get_task(self, params: Any, call: Call) -> Task:
        call.require(Scope.WATCH)
        conversation = _uuid(params.id)
        told = await database.call(task_store.read, call.person, conversation, None)
        if call.streams:
            if told.task.status.state in ENDED:
                raise UnsupportedOperationError("The task has ended; get it instead.")
            call.following = Following(conversation, told, waits=False)
        task_store.shorten(told.task, params)
        return told.task

    @_answers
    async def on_list_tasks(self, params: ListTasksRequest, call: Call) -> ListTasksResponse:
        call.require(Scope.WATCH)
        return await database.call(task_store.listed, call.person, params)

    @_answers
    async def on_cancel_task(self, params: Any, call: Call) -> Task:
        call.require(Scope.WATCH, Scope.CONTROL)
        conversation = _uuid(params.id)
        try:
            accepted = await debates.control(call.person, conversation, Command(action=Action.CANCEL))
        except Finished:
            raise TaskNotCancelableError("The task has ended.") from None
        told = await database.call(task_store.read, call.person, conversation, accepted.seq)
        call.following = Following(conversation, told, waits=True, seconds=CANCEL_SECONDS)
        return told.task

    def on_message_send_stream(self, params: Any, context: ServerCallContext) -> Any:
        # `TWINS` has it answered as the other.
        return super().on_message_send_stream(params, context)

    def on_subscribe_to_task(self, params: Any, context: ServerCallContext) -> Any:
        return super().on_subscribe_to_task(params, context)

    async def _without_push(self, params: Any, context: ServerCallContext) -> Any:
        raise PushNotificationNotSupportedError

    on_create_task_push_notification_config = _without_push
    on_get_task_push_notification_config = _without_push
    on_list_task_push_notification_configs = _without_push
    on_delete_task_push_notification_config = _without_push

    async def on_get_extended_agent_card(self, params: Any, context: ServerCallContext) -> Any:
        raise ExtendedAgentCardNotConfiguredError


def _require_plain(params: SendMessageRequest) -> None:
    if params.configuration.HasField("task_push_notification_config"):
        raise PushNotificationNotSupportedError
    message = params.message
    problems = []
    if message.role != Role.ROLE_USER:
        problems.append(Problem("message.role", "role", "Send messages as the user."))
    if len(message.message_id) > MAX_MESSAGE_ID or "\0" in message.message_id:
        problems.append(
            Problem("message.messageId", "name", f"Use 1 to {MAX_MESSAGE_ID} characters, and no NUL.")
        )
    if len(message.context_id) > MAX_CONTEXT_ID or "\0" in message.context_id:
        problems.append(
            Problem("message.contextId", "name", f"Use at most {MAX_CONTEXT_ID} characters, and no NUL.")
        )
    if problems:
        raise InvalidInput(problems)


async def _start(call: Call, message: Message) -> UUID:
    """The debate that the message starts, or has started before."""
    new = requests.parse(_form(message))
    run = client_threads.Run(f"{task_store.THREAD}{message.context_id}", message.message_id, None)
    conversation = await debates.start_once(call.person, new, run)
    if (conversation.topic, conversation.content) != (new.topic, new.content):
        raise Conflict("This message's id was used for another debate.", conversation.status)
    return conversation.pk


def _form(message: Message) -> dict[str, Any]:
    """What is asked for, as POST /api/conversations/ takes it."""
    values: dict[str, Any] = {}
    texts: list[str] = []
    for part in message.parts:
        if part.HasField("text"):
            texts.append(part.text)
        elif part.HasField("data"):
            values |= _object(part.data)
        else:
            raise ContentTypeNotSupportedError("Send text and data; files are not read.")
    if texts:
        values["topic"], *content = texts
        if content:
            values["content"] = "\n\n".join(content)
    return values


def _object(value: Any) -> dict[str, Any]:
    try:
        data = MessageToDict(value)
    except (json_format.Error, ValueError):
        # The latter for numbers that are not finite.
        data = None
    if not isinstance(data, dict):
        raise InvalidInput([Problem("message.parts", "json_object", "A part of data is one JSON object.")])
    # Numbers have lost whether they were whole.
    return {
        key: int(given) if isinstance(given, float) and given.is_integer() else given
        for key, given in data.items()
    }


async def _say(call: Call, message: Message) -> tuple[UUID, int]:
    """The task that the message is for, and the event that it has become."""
    conversation = _uuid(message.task_id)
    key = client_threads.key(f"{task_store.THREAD}{conversation}", message.message_id)
    told, question = await database.call(task_store.asked, call.person, conversation, key)
    if message.context_id not in {"", told.name.context}:
        raise InvalidInput([Problem("message.contextId", "context", "The task belongs to another context.")])
    if any(not part.HasField("text") for part in message.parts):
        raise ContentTypeNotSupportedError("Send text; nothing else is read here.")
    words = requests.parse_input(
        {
            "text": "\n\n".join(part.text for part in message.parts),
            "reply_to": question,
            "idempotency_key": key,
        }
    )
    accepted = await debates.say(call.person, conversation, words)
    return conversation, accepted.seq


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise TaskNotFoundError from None
