"""The messages of kind `thinking` in a turn: what a model thinks, apart from what it says."""

import time
from collections.abc import Iterator
from uuid import UUID

from conversations.agents.event_mapper import PartialMessage
from conversations.agents.thoughts import Thoughts
from conversations.domain.enums import Kind
from conversations.domain.events import AgentMessage, EventData, MessageStart, Token, Usage


class Thinking:
    """Announces and finishes the messages of thoughts among the events of one attempt at the turn of `start`.

    `messages` are those that have begun. Their tokens are billed with the turn's, so they have no cost of their own."""

    def __init__(self, start: MessageStart, thoughts: Thoughts) -> None:
        self.messages: list[UUID] = []
        self._start = start
        self._thoughts = thoughts
        self._open: PartialMessage | None = None
        self._began = 0.0

    def around(self, event: EventData) -> Iterator[EventData]:
        """The event, after the end of thoughts that it interrupts, or the start of those that it begins."""
        thought = self._thoughts.find(event.message) if isinstance(event, Token) else None
        if thought is not self._open:
            yield from self.end()
        if thought is not None and self._open is None:
            self._open, self._began = thought, time.monotonic()
            self.messages.append(thought.message)
            changes = {
                "message": thought.message,
                "kind": Kind.THINKING,
                "streaming": True,
                "texts": (),
                "items": (),
            }
            yield self._start.model_copy(update=changes)
        yield event

    def end(self) -> Iterator[EventData]:
        """The end of the open message, if there is one."""
        thought, self._open = self._open, None
        if thought is None:
            return
        described = self._start.model_dump(exclude={"message", "kind", "streaming", "texts", "items"})
        yield AgentMessage(
            **described,
            message=thought.message,
            kind=Kind.THINKING,
            content=thought.text,
            token_count=thought.tokens,
            usage=Usage(),
            finish_reason="stop",
            duration_ms=round((time.monotonic() - self._began) * 1000),
        )
