"""An agent's reply while it arrives: AG2's events go in, ours come out through a buffer."""

from ag2.events import BaseEvent, ModelMessageChunk, ToolCallEvent, ToolCallsEvent, ToolResultEvent
from opentelemetry.trace import Span

from conversations.agents.clock import ReplyClock
from conversations.agents.event_mapper import PartialMessage, translate
from conversations.agents.token_buffer import TokenBuffer
from conversations.agents.tools import ask_human
from conversations.domain.errors import ProviderError
from conversations.domain.events import EventData
from conversations.infrastructure import tracing

# Chunks for each token of the longest answer: a chunk may be less than a token, and some models think aloud first.
CHUNKS_PER_TOKEN = 4
# How often a model may call tools before it has to answer; each time is a request to it.
MAX_TOOL_CALLS = 5


class Reply:
    """`partial` is what has arrived, `buffer` holds our events for it. `longest` is the longest answer, in tokens."""

    def __init__(self, partial: PartialMessage, clock: ReplyClock, longest: int) -> None:
        self.partial = partial
        self.buffer: TokenBuffer[EventData] = TokenBuffer()
        self.has_begun = False
        self.span: Span = tracing.NO_SPAN
        self._clock = clock
        self._max_chunks = CHUNKS_PER_TOKEN * longest
        self._chunks = 0
        self._tool_calls = 0

    def begin_call(self) -> None:
        """The model is called, perhaps once more."""
        self._chunks = 0

    async def receive(self, event: BaseEvent) -> None:
        """Take the next event of AG2; returns once there is room for another.

        Raises ProviderError where the model does not come to an end."""
        if not self.has_begun:
            self.has_begun = True
            self.span.add_event("first_word")
        ours = translate(event, self.partial)
        if isinstance(event, ModelMessageChunk):
            self._chunks += 1
            if self._chunks > self._max_chunks:
                # Not every server keeps to the limit that it is given.
                raise _looped("The model went on and on, past the longest answer that was asked for.")
        elif isinstance(event, ToolCallsEvent):
            self._tool_calls += 1
            self.partial.interrupted()
            if self._tool_calls > MAX_TOOL_CALLS:
                # AG2 would call the model for ever.
                raise _looped("The model kept calling tools and did not come to an answer.")
        if ours is None or self._is_question(event):
            return
        if not self.buffer.put(ours):
            with self._clock.paused():
                await self.buffer.room()
        self._clock.token()

    def _is_question(self, event: BaseEvent) -> bool:
        """Whether it belongs to the tool that asks a person, which people see as an `input_request` instead."""
        if isinstance(event, ToolCallEvent):
            return event.name == ask_human.NAME
        return (
            isinstance(event, ToolResultEvent) and self.partial.tools.get(event.parent_id) == ask_human.NAME
        )


def _looped(sentence: str) -> ProviderError:
    return ProviderError("provider_looped", sentence, retryable=True)
