"""The general assistant, as a team: one agent with tools answers in one turn."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from conversations.domain.budget_guard import BudgetGuard
from conversations.domain.enums import Kind, Status
from conversations.domain.errors import OverBudget
from conversations.domain.events import EventData
from conversations.orchestration.state import BUDGET, DebateState, open_record
from conversations.orchestration.team_turn import TeamControl, TeamTurn

_REQUEST: Final = "Answer the question. Call the tools that it needs, then give the answer and nothing else."


@dataclass
class Assistant:
    """One turn, whose message is the answer."""

    state: DebateState
    control: TeamControl
    budget: BudgetGuard

    async def events(self) -> AsyncGenerator[EventData, None]:
        """The events of the turn, unless it has ended. Raises as a team does."""
        state = self.state
        if state.messages:
            return
        for event in open_record(state):
            yield event
        turn = TeamTurn(state, self.control, self.budget, (1, state.panel.speakers[0], Kind.FINAL), _REQUEST)
        try:
            async with aclosing(turn.events()) as events:
                async for event in events:
                    yield event
        except OverBudget:
            state.reason = BUDGET
            yield state.status(Status.ACTIVE)
