"""The data team: questions about the person's own tables.

1. The SQL agent queries the tables until it has what the question asks for.
2. Rules say in the validation agent's name what they find in each of these queries.
3. The validation agent queries the tables in another way for the headline figure. Rules say whether both agree.
4. The analysis agent answers, from the results on record.
"""

import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from conversations.agents.tools import query
from conversations.agents.tools.tool import Tool
from conversations.domain.budget_guard import BudgetGuard
from conversations.domain.enums import RULES, Kind, Status
from conversations.domain.errors import OverBudget
from conversations.domain.events import AgentMessage, EventData, MessageStart, ToolEnd, Usage
from conversations.orchestration.state import BUDGET, DebateState, open_record
from conversations.orchestration.team_turn import TeamControl, TeamTurn
from conversations.prompts.quotation import quoted

# What stands for a model where rules speak.
_CHECKS: Final = "checks"
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
    """Three turns, the last of which is the answer, and what rules find after the first one."""

    state: DebateState
    control: TeamControl
    budget: BudgetGuard

    async def events(self) -> AsyncGenerator[EventData, None]:
        """The events of the turns that are left. Raises as a team does."""
        state = self.state
        for event in open_record(state):
            yield event
        try:
            for place in range(sum(each.provider != RULES for each in state.messages), len(_KINDS)):
                if place == 1 and len(state.messages) == place:
                    for event in self._checks():
                        yield event
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
                        if isinstance(event, ToolEnd):
                            state.results.append(event)
                        yield event
        except OverBudget:
            state.reason = BUDGET
            yield state.status(Status.ACTIVE)

    def _checks(self) -> Iterator[EventData]:
        """The message of what rules found in the queries of the finished turn."""
        first, agent = self.state.messages[0], self.state.panel.speakers[1]
        queries = [each for each in self.state.results if each.message == first.message and each.checks]
        start = MessageStart(
            message=uuid.uuid4(),
            agent=agent.name,
            role=agent.role,
            kind=Kind.VALIDATION,
            round=1,
            model=_CHECKS,
            provider=RULES,
            mode=self.state.mode,
            streaming=False,
        )
        yield start
        message = AgentMessage(
            **start.model_dump(exclude={"streaming", "texts", "items"}),
            content="\n\n".join(map(_found, queries)) or "There is no result to check.",
            token_count=0,
            usage=Usage(input_tokens=0, output_tokens=0),
            cost=0,
            finish_reason="stop",
            duration_ms=0,
        )
        self.state.messages.append(message)
        yield message

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


def _found(query: ToolEnd) -> str:
    """The checks of a query as Markdown, under the ids of its figures."""
    ids = [query.evidence[0], query.evidence[-1]] if query.evidence else []
    of = f" of {' to '.join(dict.fromkeys(ids))}" if ids else ""
    return "\n".join([f"Checks of the query{of}:", "", *(f"- {check}" for check in query.checks)])
