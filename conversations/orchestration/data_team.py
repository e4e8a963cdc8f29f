"""The data team: questions about the person's own tables.

1. The SQL agent queries the tables until it has what the question asks for.
2. The validation agent queries them in another way for the headline figure. Rules say of each result what is in it,
   and whether it agrees with the first agent's.
3. The analysis agent answers, from the results on record.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from conversations.agents.tools import query
from conversations.agents.tools.tool import Tool
from conversations.domain.budget_guard import BudgetGuard
from conversations.domain.enums import Kind, Status
from conversations.domain.errors import OverBudget
from conversations.domain.events import EventData
from conversations.orchestration.state import BUDGET, DebateState, open_record
from conversations.orchestration.team_turn import TeamControl, TeamTurn
from conversations.prompts.quotation import quoted

_KINDS: Final = (Kind.ACTION, Kind.VALIDATION, Kind.FINAL)
_REQUESTS: Final = (
    "Query the tables for what the question asks for. If a query is refused, correct it. Then say in one or two"
    " sentences what you have queried, with the ids of the figures.",
    "Find the headline figure of the answer again, by a query of your own that goes another way: do not repeat the one"
    " before. Read the checks. Then say in one or two sentences whether both agree, and what a reader must know:"
    " empty values, units, periods that the data does not have.",
    "Answer the question from the results on record. Write the id right after each figure. If the two queries do not"
    " agree, or the data cannot answer the question, say so first.",
)


@dataclass
class DataTeam:
    """Three turns, the last of which is the answer."""

    state: DebateState
    control: TeamControl
    budget: BudgetGuard

    async def events(self) -> AsyncGenerator[EventData, None]:
        """The events of the turns that are left. Raises as a team does."""
        state = self.state
        for event in open_record(state):
            yield event
        try:
            for place in range(len(state.messages), len(_KINDS)):
                turn = TeamTurn(
                    state,
                    self.control,
                    self.budget,
                    (1, state.panel.speakers[place], _KINDS[place]),
                    self._request(place),
                    self._tools(place),
                )
                async with aclosing(turn.events()) as events:
                    async for event in events:
                        yield event
        except OverBudget:
            state.reason = BUDGET
            yield state.status(Status.ACTIVE)

    def _tools(self, place: int) -> dict[str, Tool[Any]]:
        data, record = self.state.data, self.state.record
        if data is None or record is None:
            return {}
        earlier = [item for item in record.whole.items if item.source == query.SOURCE] if place else []
        return {query.NAME: query.tool(data, self.state.question.topic, earlier)}

    def _request(self, place: int) -> str:
        data = self.state.data
        if data is None:
            return f"The tables have been deleted. Say so. {_REQUESTS[-1]}"
        return f"{quoted(tables=query.schema(data))}\n{_REQUESTS[place]}"
