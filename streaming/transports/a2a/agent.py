"""This site as an A2A agent: the SDK's request handler, with conversations and their log as tasks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final
from uuid import UUID

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

from conversations.access.principals import Principal
from conversations.domain import requests
from conversations.domain.enums import Action, Scope
from conversations.domain.errors import Conflict, Finished, InvalidInput, NotFound, OutcryError, Problem
from conversations.domain.requests import Command
from conversations.domain.texts import uuid_or_nil
from conversations.infrastructure import database
from conversations.services import client_threads, debates
from streaming.http.endpoint import Fault, expected
from streaming.transports.a2a import task_store
from streaming.transports.a2a.task import ENDED, SETTLED, TaskSnapshot
from streaming.watchers.registry import registry

MAX_MESSAGE_ID: Final = 200
MAX_CONTEXT_ID: Final = 190
# 10 s: a running debate is cancelled at once, a queued one only when a worker takes it.
CANCEL_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Following:
    """The task that the response follows. With `waits`, the response is one whole task, sent when the task is settled
    or after so many seconds; else it is a stream. `is_reply`: it answers a message."""

    snapshot: TaskSnapshot
    waits: bool
    is_reply: bool = False
    seconds: float | None = None


Method = Callable[["Agent", Any], Awaitable[Any]]


def _method(method: Method) -> Any:
    """Decorator for a method of the SDK's request handler: its exceptions become A2A errors."""

    @wraps(method)
    async def call(agent: "Agent", params: Any, context: ServerCallContext) -> Any:
        try:
            return await method(agent, params)
        except A2AError:
            raise
        except Exception as failure:
            raise agent.as_a2a(expected(failure, "a2a_failed", method=method.__name__)) from None

    return validate_request_params(call)


class Agent(RequestHandler):
    """Answers one request. What the SDK cannot express is left in `following` (a streamed or delayed response) or in
    `refused` (an error with an HTTP status code)."""

    def __init__(self, principal: Principal, *, streams: bool) -> None:
        self.principal = principal
        self.following: Following | None = None
        self.refused: OutcryError | None = None
        self._streams = streams
        self._user = principal.user

    def as_a2a(self, error: OutcryError) -> A2AError:
        """The error in the SDK's terms."""
        match error:
            case NotFound():
                return TaskNotFoundError()
            case InvalidInput():
                errors = [{"field": problem.field, "message": problem.message} for problem in error.problems]
                return InvalidParamsError(error.message, data={"errors": errors})
            case Conflict():
                return UnsupportedOperationError(
                    error.message, data={"code": error.code, "status": error.status}
                )
            case Fault():
                return InternalError(error.message)
        self.refused = error
        return InternalError(error.message)

    @_method
    async def on_message_send(self, params: SendMessageRequest) -> Task:
        self.principal.require(Scope.WATCH)
        self.principal.require(Scope.CONTROL if params.message.task_id else Scope.START)
        registry().require_room(self.principal)
        _require_valid(params)
        waits = not params.configuration.return_immediately
        if params.message.task_id:
            conversation, seq = await _send_message(self._user, params.message)
            snapshot = await database.call(task_store.read, self._user, conversation, seq if waits else None)
        else:
            conversation = await _start(self._user, params.message)
            snapshot = await database.call(task_store.read, self._user, conversation, None)
            # A repeated message may arrive after the debate's end.
            waits = waits and snapshot.task.status.state not in SETTLED
        task_store.trim_history(snapshot.task, params.configuration)
        if self._streams or waits:
            self.following = Following(snapshot, waits=not self._streams, is_reply=True)
        return snapshot.task

    @_method
    async def on_get_task(self, params: Any) -> Task:
        self.principal.require(Scope.WATCH)
        conversation = uuid_or_nil(params.id)
        snapshot = await database.call(task_store.read, self._user, conversation, None)
        if self._streams:
            registry().require_room(self.principal)
            if snapshot.task.status.state in ENDED:
                raise UnsupportedOperationError("The task has ended; get it instead.")
            self.following = Following(snapshot, waits=False)
        task_store.trim_history(snapshot.task, params)
        return snapshot.task

    @_method
    async def on_list_tasks(self, params: ListTasksRequest) -> ListTasksResponse:
        self.principal.require(Scope.WATCH)
        return await database.call(task_store.list_tasks, self._user, params)

    @_method
    async def on_cancel_task(self, params: Any) -> Task:
        self.principal.require(Scope.WATCH)
        self.principal.require(Scope.CONTROL)
        conversation = uuid_or_nil(params.id)
        try:
            accepted = await debates.control(self._user, conversation, Command(action=Action.CANCEL))
        except Finished:
            raise TaskNotCancelableError("The task has ended.") from None
        snapshot = await database.call(task_store.read, self._user, conversation, accepted.seq)
        self.following = Following(snapshot, waits=True, seconds=CANCEL_SECONDS)
        return snapshot.task

    async def _without_push(self, params: Any, context: ServerCallContext) -> Any:
        raise PushNotificationNotSupportedError

    on_create_task_push_notification_config = _without_push
    on_get_task_push_notification_config = _without_push
    on_list_task_push_notification_configs = _without_push
    on_delete_task_push_notification_config = _without_push
    # Neither is called: for streams, the endpoint has the SDK call the method without a stream.
    on_message_send_stream: Any = _without_push
    on_subscribe_to_task: Any = _without_push

    async def on_get_extended_agent_card(self, params: Any, context: ServerCallContext) -> Any:
        raise ExtendedAgentCardNotConfiguredError


def _require_valid(params: SendMessageRequest) -> None:
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


async def _start(user: AbstractUser, message: Message) -> UUID:
    """The debate that the message starts, or that the same message started before."""
    new = requests.NewConversation.parse(_fields(message))
    run = client_threads.Run(f"{task_store.THREAD}{message.context_id}", message.message_id, None)
    conversation = await debates.start(user, new, run)
    # Without a topic, the question was taken from the sources.
    if new.topic not in {"", conversation.topic} or conversation.content != new.content:
        raise Conflict("This message's id was used for another debate.", conversation.status)
    return conversation.pk


def _fields(message: Message) -> dict[str, Any]:
    """The message as the body of POST /api/conversations/."""
    values: dict[str, Any] = {}
    texts: list[str] = []
    for part in message.parts:
        if part.HasField("text"):
            texts.append(part.text)
        elif part.HasField("data"):
            values |= _object(part.data)
        else:
            raise ContentTypeNotSupportedError("Send text and data only; files are not supported.")
    if texts:
        values["topic"], *content = texts
        if content:
            values["content"] = "\n\n".join(content)
    return values


def _object(value: Any) -> dict[str, Any]:
    try:
        data = MessageToDict(value)
    except (json_format.Error, ValueError):
        # ValueError: a number is not finite.
        data = None
    if not isinstance(data, dict):
        raise InvalidInput.of("message.parts", "json_object", "A part of data is one JSON object.")
    # Protobuf has floats only: turn whole numbers back into ints.
    return {
        key: int(given) if isinstance(given, float) and given.is_integer() else given
        for key, given in data.items()
    }


async def _send_message(user: AbstractUser, message: Message) -> tuple[UUID, int]:
    """The task that the message is for, and the seq of the event that it became."""
    conversation = uuid_or_nil(message.task_id)
    key = client_threads.key(f"{task_store.THREAD}{conversation}", message.message_id)
    snapshot, question = await database.call(task_store.read_with_question, user, conversation, key)
    if message.context_id not in {"", snapshot.task.context_id}:
        raise InvalidInput.of("message.contextId", "context", "The task belongs to another context.")
    if any(not part.HasField("text") for part in message.parts):
        raise ContentTypeNotSupportedError("Send text only.")
    text = "\n\n".join(part.text for part in message.parts)
    fields = {"text": text, "reply_to": question, "idempotency_key": key}
    accepted = await debates.say(user, conversation, requests.Input.parse(fields))
    return conversation, accepted.seq
