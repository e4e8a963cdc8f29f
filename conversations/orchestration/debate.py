"""The debate, as a team: turn after turn, as an async generator of events. Uses neither database nor sockets.

1. Each speaker has a turn in each round, then the moderator judges. In a panel without one, the last speaker's last
   message is the result.
2. If the budget is exceeded, the last turn comes at once, if the budget allows that; so if a person asks for the
   verdict.
"""

from collections import deque
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from conversations.domain.budget_guard import BudgetGuard
from conversations.domain.enums import Kind, Status
from conversations.domain.errors import OverBudget
from conversations.domain.events import EventData
from conversations.orchestration.state import BUDGET, CONCLUDED, DebateState, open_record
from conversations.orchestration.team_turn import TeamControl, TeamTurn

_LAST: Final = (
    "Yours is the last word. Give the result of what was said: the answer to the question, what speaks for it and"
    " against it, and where the others disagree with you."
)


@dataclass
class Debate:
    """A debate from `state` to its verdict. Every call of a model is reserved in `budget`."""

    state: DebateState
    control: TeamControl
    budget: BudgetGuard

    async def events(self) -> AsyncGenerator[EventData, None]:
        """The events of all turns that are left. Raises ProviderError when no provider completes a turn, and exceptions
        of `control`, such as Left."""
        state = self.state
        if any(agent.tools for agent in state.panel.speakers):
            for event in open_record(state):
                yield event
        turns = deque(state.remaining())
        while turns:
            if await self._is_concluded(turns):
                turns = deque([state.last_turn()])
                state.reason = CONCLUDED
                yield state.status(Status.ACTIVE)
            planned = turns.popleft()
            request = "" if planned[1].judges or planned[2] is not Kind.FINAL else _LAST
            turn = TeamTurn(state, self.control, self.budget, planned, request)
            try:
                async with aclosing(turn.events()) as events:
                    async for event in events:
                        yield event
            except OverBudget:
                turns.clear()
                if state.reason is None:
                    state.reason = BUDGET
                    yield state.status(Status.ACTIVE)
                    turns.extend([state.last_turn()] if state.messages else [])

    async def _is_concluded(self, turns: Collection[object]) -> bool:
        """Whether a person wants the verdict now, and turns before it would follow. There is none before the first
        message."""
        if len(turns) == 1 or not self.state.messages:
            return False
        return (await self.control.checkpoint()).concluded
