"""The debate, as a team: turn after turn, as an async generator of events. Uses neither database nor sockets.

1. Each speaker has a turn in each round, then the moderator judges.
2. If the budget is exceeded, the moderator judges the messages so far, if the budget allows that; so if a person asks
   for the verdict.
"""

from collections import deque
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass

from conversations.domain.budget_guard import BudgetGuard
from conversations.domain.enums import Status
from conversations.domain.errors import OverBudget
from conversations.domain.events import EventData
from conversations.orchestration.debate_turn import DebateControl, DebateTurn
from conversations.orchestration.state import BUDGET, CONCLUDED, DebateState


@dataclass
class Debate:
    """A debate from `state` to its verdict. Every call of a model is reserved in `budget`."""

    state: DebateState
    control: DebateControl
    budget: BudgetGuard

    async def events(self) -> AsyncGenerator[EventData, None]:
        """The events of all turns that are left. Raises ProviderError when no provider completes a turn, and exceptions
        of `control`, such as Left."""
        state = self.state
        turns = deque(state.remaining())
        while turns:
            if await self._is_concluded(turns):
                turns = deque([state.judgement()])
                state.reason = CONCLUDED
                yield state.status(Status.ACTIVE)
            turn = DebateTurn(state, self.control, self.budget, turns.popleft())
            try:
                async with aclosing(turn.events()) as events:
                    async for event in events:
                        yield event
            except OverBudget:
                turns.clear()
                if state.reason is None:
                    state.reason = BUDGET
                    yield state.status(Status.ACTIVE)
                    turns.extend([state.judgement()] if state.messages else [])

    async def _is_concluded(self, turns: Collection[object]) -> bool:
        """Whether a person wants the verdict now, and turns before it would follow. There is none before the first
        message."""
        if len(turns) == 1 or not self.state.messages:
            return False
        return (await self.control.checkpoint()).concluded
