"""The debate: turn after turn, as an async generator of events. Uses neither database nor sockets.

1. Begin: `initializing`, discards of the messages that an earlier run left unfinished, the record, `routing`,
   `active`.
2. Each speaker has a turn in each round, then the moderator judges.
3. If the budget is exceeded, the moderator judges the messages so far, if the budget allows that; so if a person asks
   for the verdict.
4. End: `complete`, `completed`.
"""

from collections import deque
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass

from conversations.domain.budget_guard import BudgetGuard
from conversations.domain.enums import Status
from conversations.domain.errors import OverBudget
from conversations.domain.events import EventData, MessageDiscard, Routing
from conversations.orchestration.debate_turn import DebateControl, DebateTurn
from conversations.orchestration.figures import frozen
from conversations.orchestration.state import BUDGET, CONCLUDED, DebateState, complete


@dataclass
class Debate:
    """A debate from `state` to its end. Every call of a model is reserved in `budget`."""

    state: DebateState
    control: DebateControl
    budget: BudgetGuard

    async def events(self) -> AsyncGenerator[EventData, None]:
        """Every event from `initializing` to `completed`. Raises ProviderError when no provider completes a turn, and
        exceptions of `control`, such as Left."""
        state = self.state
        yield state.status(Status.INITIALIZING)
        for message in (*state.unfinished, *state.unfinished_thoughts):
            yield MessageDiscard(message=message, reason="interrupted")
        if state.freeze is not None:
            await state.freeze()
            state.freeze = None
            for event in () if state.record is None else frozen(state.record.snapshot):
                yield event
        for figures in state.unchecked:
            yield figures
        if not state.messages:
            yield Routing(panel=state.panel.slug, reason="chosen_at_start")
        if state.own_question is not None and state.own_question.is_open:
            yield state.status(Status.AWAITING_INPUT)
            state.own_question = await self.control.answer(state.own_question.asked.request)
        yield state.status(Status.ACTIVE)
        turns = deque(() if state.is_judged else state.remaining())
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
        if not state.is_judged:
            yield complete(state)
        yield state.status(Status.COMPLETED)

    async def _is_concluded(self, turns: Collection[object]) -> bool:
        """Whether a person wants the verdict now, and turns before it would follow. There is none before the first
        message."""
        if len(turns) == 1 or not self.state.messages:
            return False
        return (await self.control.checkpoint()).concluded
