"""The question that an agent puts to a person in the middle of its turn: at most one."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from conversations.agents.clock import ReplyClock
from conversations.agents.reply import Reply
from conversations.domain.events import InputRequest
from conversations.prompts import builder


class TurnQuestion:
    """`summary` describes the question and its outcome to a model that takes no tools; None until there is one."""

    def __init__(self, agent: str, seconds: float, reply: Reply, clock: ReplyClock) -> None:
        self.summary: str | None = None
        self._agent = agent
        self._seconds = seconds
        self._reply = reply
        self._clock = clock
        self._outcome: asyncio.Future[str] | None = None

    async def ask(self, text: str) -> str:
        """Emit an InputRequest behind what the agent has said, and return the outcome once it is resolved."""
        self._outcome = asyncio.get_running_loop().create_future()
        with self._clock.paused():
            self._reply.buffer.put(self._request(text))
            outcome = await self._outcome
        self.summary = builder.question_and_outcome(text, outcome)
        self._clock.call()
        return outcome

    def resolve(self, outcome: str) -> None:
        """Let the agent go on with the outcome of its question."""
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(outcome)

    def _request(self, text: str) -> InputRequest:
        return InputRequest(
            request=uuid4(),
            message=self._reply.partial.message,
            agent=self._agent,
            prompt=text,
            timeout=self._seconds,
            deadline=datetime.now(UTC) + timedelta(seconds=self._seconds),
        )
