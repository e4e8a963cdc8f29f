"""An agent's reply: takes AG2's events as they arrive, and puts ours into a buffer."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from ag2.events import BaseEvent, ModelMessageChunk, ToolCallEvent, ToolCallsEvent, ToolResultEvent
from django.conf import settings
from opentelemetry.trace import Span

from conversations.agents.clock import ReplyClock
from conversations.agents.event_mapper import PartialMessage, translate
from conversations.agents.token_buffer import TokenBuffer
from conversations.agents.tools import ask_human
from conversations.domain.errors import ProviderError
from conversations.domain.events import EventData, InputRequest
from conversations.infrastructure import tracing
from conversations.prompts import builder

# The most chunks of an answer, for each token of the longest one: a chunk may be less than a token, and some models
# stream their reasoning first.
CHUNKS_PER_TOKEN = 4
# How often a model may call tools before it has to answer. Each time costs a request.
MAX_TOOL_CALLS = 5


class Reply:
    """`partial` is the text so far, `buffer` holds our events. `longest` is the length of the longest answer in tokens.

    `asked` is a text with the agent's question to a person and its outcome, for a repeated call without tools; None
    without a question. A turn has at most one."""

    def __init__(self, partial: PartialMessage, agent: str, clock: ReplyClock, longest: int) -> None:
        self.partial = partial
        self.buffer: TokenBuffer[EventData] = TokenBuffer()
        self.has_begun = False
        self.asked: str | None = None
        self.span: Span = tracing.NO_SPAN
        self._agent = agent
        self._clock = clock
        self._max_chunks = CHUNKS_PER_TOKEN * longest
        self._chunks = 0
        self._tool_calls = 0
        self._outcome: asyncio.Future[str] | None = None

    async def receive(self, event: BaseEvent) -> None:
        """Take the next event of AG2; returns once there is room for another.

        Raises ProviderError if the model exceeds the bounds on chunks or tool calls."""
        if not self.has_begun:
            self.has_begun = True
            self.span.add_event("first_word")
        ours = translate(event, self.partial)
        if isinstance(event, ModelMessageChunk):
            self._chunks += 1
            if self._chunks > self._max_chunks:
                # Some servers ignore the limit in the request.
                raise _looped("The model went on and on, past the longest answer that was asked for.")
        elif isinstance(event, ToolCallsEvent):
            # The next call of the model begins after them.
            self._chunks = 0
            self._tool_calls += 1
            self.partial.interrupted()
            if self._tool_calls > MAX_TOOL_CALLS:
                # AG2 itself has no limit.
                raise _looped("The model kept calling tools and did not come to an answer.")
        if ours is None or self._is_question(event):
            return
        if not self.buffer.put(ours):
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


def _looped(sentence: str) -> ProviderError:
    return ProviderError("provider_looped", sentence, retryable=True)
