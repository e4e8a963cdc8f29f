"""The AG2 stream of one turn, which takes little CPU a token."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import ag2
from ag2.context import ConversationContext, SubId
from ag2.events import (
    BaseEvent,
    ModelMessageChunk,
    ModelReasoning,
    ToolCallEvent,
    ToolCallsEvent,
    ToolResultEvent,
    UsageEvent,
)
from ag2.events.conditions import Condition
from ag2.utils import CONTEXT_OPTION_NAME


class ReplyStream(ag2.MemoryStream):
    """A MemoryStream that passes chunks, thoughts, tool events and usage to `receive`, in order, and awaits it.

    AG2 resolves each subscriber's parameters through models that it builds for each turn, which takes 15 ms of CPU.
    Subscribers that take `event` or `event, context`, as AG2's own do, are called directly instead."""

    __slots__ = ("_receive",)

    def __init__(self, receive: Callable[[BaseEvent], Awaitable[None]]) -> None:
        super().__init__()
        self._receive = receive

    def subscribe(
        self,
        func: Callable[..., Any] | None = None,
        *,
        interrupt: bool = False,
        sync_to_thread: bool = True,
        condition: Condition | None = None,
    ) -> Any:
        if func is None or interrupt or not _is_plain(func):
            return super().subscribe(
                func,
                interrupt=interrupt,
                sync_to_thread=sync_to_thread,
                condition=condition,
            )
        subscription: SubId = uuid4()
        self._subscribers[subscription] = (condition, _Direct(func))  # type: ignore[assignment]
        return subscription

    async def send(self, event: BaseEvent, context: ConversationContext) -> None:
        # Not unions: AG2 overloads | between event classes.
        if isinstance(event, (ModelMessageChunk, ModelReasoning)):
            # AG2 has no subscribers for them and does not store them.
            await self._receive(event)
            return
        if isinstance(event, (ToolCallsEvent, ToolCallEvent, ToolResultEvent, UsageEvent)):
            await self._receive(event)
        await super().send(event, context)


class _Direct:
    """Replaces AG2's model of a subscriber, and has its one method."""

    __slots__ = ("_subscriber", "_wants_context")

    def __init__(self, subscriber: Callable[..., Awaitable[None]]) -> None:
        self._subscriber = subscriber
        self._wants_context = len(inspect.signature(subscriber).parameters) == 2

    async def asolve(self, event: BaseEvent, /, **options: Any) -> None:
        if self._wants_context:
            await self._subscriber(event, options[CONTEXT_OPTION_NAME])
        else:
            await self._subscriber(event)


def _is_plain(func: Callable[..., Any]) -> bool:
    parameters = [*inspect.signature(func).parameters]
    return inspect.iscoroutinefunction(func) and parameters in (["event"], ["event", "context"])
