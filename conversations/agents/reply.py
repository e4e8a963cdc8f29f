"""An agent's reply: takes AG2's events as they arrive, and puts ours into a buffer."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from json.encoder import encode_basestring
from uuid import uuid4

from ag2.events import (
    BaseEvent,
    ModelMessageChunk,
    ModelReasoning,
    ToolCallEvent,
    ToolCallsEvent,
    ToolResultEvent,
)
from django.conf import settings
from opentelemetry.trace import INVALID_SPAN, Span

from conversations.agents.clean_text import clean
from conversations.agents.clock import ReplyClock
from conversations.agents.event_mapper import PartialMessage, token, translate
from conversations.agents.think_tags import Is, Part, ThinkTags
from conversations.agents.thoughts import Thoughts
from conversations.agents.token_buffer import TokenBuffer
from conversations.agents.tools import ask_human
from conversations.domain.errors import ProviderError
from conversations.domain.events import EventData, Evidence, InputRequest
from conversations.prompts import builder
from conversations.providers import provider_errors

# The most chunks of an answer, for each token of the longest one: a chunk may be less than a token, and some models
# stream their reasoning first.
CHUNKS_PER_TOKEN = 4
# The most bytes of an answer (in UTF-8, as JSON), for each token of the longest one: a server may send it all in one
# chunk. On average no language has 32 bytes a token.
BYTES_PER_TOKEN = 32
# The most bytes of any answer: a finished message is one frame, and WebSocket clients usually take 1 MiB. The rest of
# that is for the other fields.
MAX_BYTES = 960 << 10
# Characters of one Token event, which are at most 64 KiB in UTF-8.
MAX_TOKEN = 16 << 10
# How often a model may call tools before it has to answer. Each time costs a request.
MAX_TOOL_CALLS = 5


class Reply:
    """`partial` is the text so far, `thoughts` are what the model thinks, `buffer` holds our events. `longest` is the
    length of the longest answer in tokens. An answer that is not `streamed` is not in `partial`, and has no Token
    events.

    `asked` is a text with the agent's question to a person and its outcome, for a repeated call without tools; None
    without a question. A turn has at most one."""

    def __init__(
        self, partial: PartialMessage, agent: str, clock: ReplyClock, longest: int, *, streamed: bool
    ) -> None:
        self.partial = partial
        self.thoughts = Thoughts()
        self.buffer: TokenBuffer[EventData] = TokenBuffer()
        # Whether any text or thought has arrived from the model.
        self.has_begun = False
        self.asked: str | None = None
        self.span: Span = INVALID_SPAN
        self._agent = agent
        self._clock = clock
        self._is_streamed = streamed
        self._max_chunks = CHUNKS_PER_TOKEN * longest
        self._max_bytes = min(BYTES_PER_TOKEN * longest, MAX_BYTES)
        self._chunks = 0
        self._bytes = 0
        self._tool_calls = 0
        self._tags = ThinkTags()
        self._call_begins_at = 0
        self._outcome: asyncio.Future[str] | None = None

    async def receive(self, event: BaseEvent) -> None:
        """Take the next event of AG2; returns once there is room for another.

        Raises ProviderError if the model exceeds the bounds on length or tool calls."""
        if isinstance(event, ModelMessageChunk):
            self._count(event.content)
            await self._put(self._events(self._tags.feed(event.content)))
        elif isinstance(event, ModelReasoning):
            self._count(event.content)
            await self._put(self._think(event.content))
        else:
            await self._receive_other(event)

    async def end_call(self) -> None:
        """A call of the model has ended; another may follow."""
        await self._put(self._events(self._tags.end()))
        self.thoughts.pause()
        self._tags, self._call_begins_at = ThinkTags(), len(self.partial.text)
        self._chunks = self._bytes = 0

    def require_size(self, text: str) -> None:
        """Raise ProviderError if a whole answer exceeds the bound on length."""
        if _size(text) > self._max_bytes:
            raise provider_errors.looped()

    async def _receive_other(self, event: BaseEvent) -> None:
        ours = translate(event, self.partial)
        if isinstance(event, ToolCallsEvent):
            await self.end_call()
            self._tool_calls += 1
            self.partial.interrupted()
            if self._tool_calls > MAX_TOOL_CALLS:
                # AG2 itself has no limit.
                sentence = "The model kept calling tools and did not come to an answer."
                raise ProviderError("provider_looped", sentence, retryable=True)
        if ours is None or self._is_question(event):
            return
        finished = self.partial.finished.get(event.parent_id) if isinstance(event, ToolResultEvent) else None
        # On record before the result: the agent reads both after this.
        found = [Evidence(items=tuple(finished.items))] if finished is not None and finished.items else []
        await self._put([*found, ours])

    def _count(self, text: str) -> None:
        self._chunks += 1
        self._bytes += _size(text)
        if self._chunks > self._max_chunks or self._bytes > self._max_bytes:
            # Some servers ignore the limit in the request.
            raise provider_errors.looped()
        if text and not self.has_begun:
            self.has_begun = True
            self.span.add_event("first_word")

    def _events(self, parts: Iterable[Part]) -> Iterator[EventData]:
        for what, text in parts:
            if what is Is.THOUGHT:
                yield from self._think(text)
            elif self._is_streamed and what is Is.SPEECH:
                self.thoughts.pause()
                yield from _tokens(text, self.partial)
            elif self._is_streamed:
                # The next token, at this place, replaces what readers have got.
                place = self._call_begins_at
                thought, self.partial.text = self.partial.text[place:], self.partial.text[:place]
                yield from self._think(thought)

    def _think(self, text: str) -> Iterator[EventData]:
        if (partial := self.thoughts.current()) is not None:
            yield from _tokens(text, partial)

    async def _put(self, events: Iterable[EventData]) -> None:
        """Put the events into the buffer, and restart the clock: a chunk is a sign of life, even if it has no event."""
        for event in events:
            if not self.buffer.put(event):
                with self._clock.paused():
                    await self.buffer.room()
        self._clock.token()

    async def ask(self, question: str) -> str:
        """Put an InputRequest into the reply's buffer, and return the outcome once `resolve` is called."""
        self._outcome = asyncio.get_running_loop().create_future()
        seconds = settings.OUTCRY_INPUT_TIMEOUT_SECONDS
        request = InputRequest(
            request=uuid4(),
            message=self.partial.message,
            agent=self._agent,
            prompt=question,
            timeout=seconds,
            deadline=datetime.now(UTC) + timedelta(seconds=seconds),
            offset=len(self.partial.text),
        )
        with self._clock.paused():
            self.buffer.put(request)
            outcome = await self._outcome
        self.asked = builder.question_and_outcome(question, outcome)
        self._clock.call()
        return outcome

    def resolve(self, outcome: str) -> None:
        """Pass the outcome of the question to the agent, which continues."""
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(outcome)

    def _is_question(self, event: BaseEvent) -> bool:
        """Whether the event is of the tool that asks a person, which is logged as an `input_request` instead."""
        if isinstance(event, ToolCallEvent):
            return event.name == ask_human.NAME
        return (
            isinstance(event, ToolResultEvent) and self.partial.tools.get(event.parent_id) == ask_human.NAME
        )


def _tokens(text: str, partial: PartialMessage) -> Iterator[EventData]:
    """Token events of a size that every client takes."""
    cleaned = clean(text)
    for place in range(0, len(cleaned), MAX_TOKEN):
        yield token(cleaned[place : place + MAX_TOKEN], partial)


def _size(text: str) -> int:
    """In bytes, as frames have it."""
    return len(encode_basestring(text).encode("utf-8", "surrogatepass"))
