"""A conversation from its first event to its last, whichever team answers it. Uses neither database nor sockets.

1. Begin: `initializing`, discards of the messages that an earlier run left unfinished, the record, `routing`,
   `active`.
2. The team's turns.
3. End: `complete`, `completed`.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from conversations.domain.budget_guard import BudgetGuard
from conversations.domain.enums import Status
from conversations.domain.events import EventData, MessageDiscard
from conversations.domain.panels import PANELS
from conversations.orchestration.assistant import Assistant
from conversations.orchestration.data_team import DataTeam
from conversations.orchestration.debate import Debate
from conversations.orchestration.figures import frozen
from conversations.orchestration.router import route
from conversations.orchestration.state import DebateState, complete
from conversations.orchestration.team import Team
from conversations.orchestration.team_turn import TeamControl

# By the name in `Panel.team`.
TEAMS: Final[Mapping[str, type[Team]]] = {"debate": Debate, "assistant": Assistant, "data": DataTeam}


@dataclass
class Assignment:
    """A conversation from `state` to its end. Every call of a model is reserved in `budget`."""

    state: DebateState
    control: TeamControl
    budget: BudgetGuard

    async def events(self) -> AsyncGenerator[EventData, None]:
        """Every event from `initializing` to `completed`. Raises ProviderError when no provider completes a turn, and
        exceptions of `control`, such as Left."""
        state = self.state
        yield state.status(Status.INITIALIZING)
        for message in (*state.unfinished, *state.unfinished_thoughts):
            yield MessageDiscard(message=message, reason="interrupted")
        async for event in self._record():
            yield event
        if state.routing is None:
            state.routing = await route(state, self.budget)
            if state.is_automatic:
                state.panel = PANELS[state.routing.panel]
            yield state.routing
        if state.own_question is not None and state.own_question.is_open:
            yield state.status(Status.AWAITING_INPUT)
            state.own_question = await self.control.answer(state.own_question.asked.request)
        yield state.status(Status.ACTIVE)
        if not state.is_judged:
            team = TEAMS[state.panel.team](state, self.control, self.budget)
            async with aclosing(team.events()) as events:
                async for event in events:
                    yield event
            yield complete(state)
        yield state.status(Status.COMPLETED)

    async def _record(self) -> AsyncGenerator[EventData, None]:
        state = self.state
        if state.freeze is not None:
            await state.freeze()
            state.freeze = None
            for event in () if state.record is None else frozen(state.record.snapshot):
                yield event
        for figures in state.unchecked:
            yield figures
