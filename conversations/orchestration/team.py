"""What a team is: one way in which agents work together, in a file of its own."""

from collections.abc import AsyncGenerator
from typing import Protocol

from conversations.domain.budget_guard import BudgetGuard
from conversations.domain.events import EventData
from conversations.orchestration.state import DebateState
from conversations.orchestration.team_turn import TeamControl


class Team(Protocol):
    """Made anew for each run, with the state of the work so far."""

    def __init__(self, state: DebateState, control: TeamControl, budget: BudgetGuard) -> None:
        """`state.messages` are the turns that have ended; they are not repeated. Every call of a model is reserved in
        `budget`."""

    def events(self) -> AsyncGenerator[EventData, None]:
        """The events of the turns that are left, each message from its start to its end. The status before them and the
        `complete` after them are the assignment's.

        Raises ProviderError when no provider completes a turn, and exceptions of `control`."""
