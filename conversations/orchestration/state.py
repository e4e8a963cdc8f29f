"""The state of a debate, and the `complete` event that ends it.

Recovery rebuilds the state from the log; the debate's turns update it."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Final, TypeVar
from uuid import UUID

from conversations.agents.tools.query import Data
from conversations.domain import transcript
from conversations.domain.enums import NOT_A_DEBATE, TEST_MODEL, Kind, Mode, Stance, Status
from conversations.domain.events import (
    AgentMessage,
    Complete,
    CostSummary,
    EventData,
    Figures,
    Routing,
    StatusChanged,
    ToolEnd,
    Usage,
)
from conversations.domain.human_input import Question
from conversations.domain.panels import Agent, Panel
from conversations.orchestration.figures import Record, counts, frozen
from conversations.orchestration.verdict import Verdict, VerdictAnswer
from conversations.prompts.material import DebateQuestion
from conversations.prompts.tokens import Measured
from conversations.providers.catalog import TEST_KINDS, Provider, preferred
from evidence.record import Snapshot

N = TypeVar("N", int, float)

# The `reason` of a debate that exceeded its budget.
BUDGET: Final = "budget"
# The `reason` of a debate whose verdict contradicts its record.
CONTRADICTED: Final = "contradicted_figures"
# The `reason` of a debate about an instrument of whose price its record has nothing current.
PRICES_MISSING: Final = "prices_missing"
# The `reason` of a debate whose verdict a person asked for before its last round.
CONCLUDED: Final = "concluded"


@dataclass
class DebateState:
    """`messages` are the finished ones, in order. `unfinished` are messages that an earlier run left unfinished, whose
    turns are repeated. `discarded` counts the messages that did not finish and may have been billed.

    `unfinished_thoughts` are an earlier run's unfinished messages of thoughts. `own_question` is the question of the
    agent whose turn it is. `is_demo`: from a past or the current message on, all are the demo's. `is_judged`: the
    verdict is stored, and only the end is missing. `reason` is why the debate ends early. `heard` has, by role, the seq
    of the newest remark before the agent's last finished turn; None until it is computed. `measured` is what models
    counted in this run's prompts. `record` is what figures are checked against; `freeze` gives it to a debate whose log
    has none yet, and `as_of` is its time (None: now). `routing` says why this panel answers, once it is decided;
    `is_automatic`: no person has chosen the panel. `figures` are those of `messages`, of which the log lacks the
    `unchecked`. `is_contradicted`: the newest verdict contradicts the record. `data` are the person's tables, and
    `results` what queries of them gave. `last_providers` are this run's last ones, by the model that their agents
    name."""

    question: DebateQuestion
    panel: Panel
    providers: Sequence[Provider]
    messages: list[AgentMessage] = field(default_factory=list)
    unfinished: Sequence[UUID] = ()
    unfinished_thoughts: Sequence[UUID] = ()
    discarded: int = 0
    own_question: Question | None = None
    is_demo: bool = False
    is_judged: bool = False
    reason: str | None = None
    verdict: Verdict | None = None
    heard: dict[str, int] | None = None
    last_providers: dict[str | None, Provider] = field(default_factory=dict)
    record: Record | None = None
    freeze: Callable[[], Awaitable[None]] | None = None
    data: Data | None = None
    results: list[ToolEnd] = field(default_factory=list)
    as_of: datetime | None = None
    routing: Routing | None = None
    is_automatic: bool = False
    figures: list[Figures] = field(default_factory=list)
    unchecked: Sequence[Figures] = ()
    is_contradicted: bool = False
    measured: Measured = field(default_factory=Measured)

    @property
    def mode(self) -> Mode:
        """DEMO from the first message of a demo on."""
        modes = {self.providers[0].mode, *(message.mode for message in self.messages)}
        return Mode.DEMO if self.is_demo or Mode.DEMO in modes else Mode.LIVE

    @property
    def is_test_run(self) -> bool:
        """Whether a stance would rest on models that are only for trying Outcry: one of them judged, or spoke at least
        half of the speeches."""
        speeches = [each.provider in TEST_KINDS for each in self.messages if each.kind is not Kind.FINAL]
        is_judge = any(each.provider in TEST_KINDS for each in self.messages[-1:] if each.kind is Kind.FINAL)
        return is_judge or (bool(speeches) and 2 * sum(speeches) >= len(speeches))

    @property
    def is_unpriced(self) -> bool:
        """Whether a stance would be about an instrument without a price."""
        return self.record is not None and self.record.snapshot.is_unpriced

    def status(self, status: Status) -> StatusChanged:
        """The `status` event for this status."""
        return StatusChanged(status=status, mode=self.mode, reason=self.reason)

    def remaining(self) -> Iterator[tuple[int, Agent, Kind]]:
        """The remaining turns as (round, agent, kind), in order."""
        return islice(self._turns(), len(self.messages), None)

    def last_turn(self) -> tuple[int, Agent, Kind]:
        """The turn whose message is the result: the moderator's, or the last speaker's of a panel without one."""
        return self.question.rounds, self.panel.moderator or self.panel.speakers[-1], Kind.FINAL

    def candidates(self, agent: Agent) -> Sequence[Provider]:
        """The providers that may speak for the agent, the one that it names first. After a demo's message only the
        demo, because live and demo messages are not mixed."""
        demos = [provider for provider in self.providers if provider.mode is Mode.DEMO]
        return demos if demos and self.mode is Mode.DEMO else preferred(agent.model, self.providers)

    def previous_provider(self, agent: Agent) -> Provider:
        """The provider of the last message of an agent that names the same model, or the preferred one."""
        candidates = self.candidates(agent)
        if agent.model in self.last_providers:
            return self.last_providers[agent.model]
        models = {each.role: each.model for each in self.panel.agents}
        for last in reversed(self.messages):
            if models.get(last.role) == agent.model:
                spoke = (last.provider, last.model)
                return next((each for each in candidates if (each.kind, each.model) == spoke), candidates[0])
        return candidates[0]

    def _turns(self) -> Iterator[tuple[int, Agent, Kind]]:
        turns = [
            (round_, agent, Kind.ANALYSIS)
            for round_ in range(1, self.question.rounds + 1)
            for agent in self.panel.speakers
        ]
        yield from turns if self.panel.moderator else turns[:-1]
        yield self.last_turn()


def open_record(state: DebateState) -> Iterator[EventData]:
    """Prepare the record for the results of tools; yields the events of an empty one where nothing is known beforehand.
    Figures of the question are assumptions."""
    if state.record is None:
        state.record = Record(Snapshot(as_of=state.as_of or datetime.now(UTC), items=()))
        yield from frozen(state.record.snapshot)
    state.record.assume(state.question.topic)


def complete(state: DebateState) -> Complete:
    """The `complete` event for the debate's present state. Its `reason` says why there is no stance, if there is
    none."""
    verdict, reason = state.verdict, _no_stance(state)
    stance = verdict if reason is None and isinstance(verdict, VerdictAnswer) else None
    if stance is not None:
        texts = stance.model_dump(exclude={"stance", "confidence_percent"})
    else:
        # Points without a stance would look like reasons for one.
        texts = {} if verdict is None else {"summary": verdict.summary}
    return Complete(
        verdict=Stance(stance.stance) if stance else Stance.NO_VERDICT,
        confidence=stance.confidence if stance else None,
        **texts,
        reason=reason,
        cost_summary=_cost_summary(state.messages, state.discarded, state.routing),
        mode=state.mode,
        transcript_sha256=transcript.digest(state.messages),
        figures=None if state.record is None else counts(state.figures),
        snapshot=None if state.record is None else state.record.snapshot.sha256,
    )


def _no_stance(state: DebateState) -> str | None:
    """The reason why the debate has no stance, if it has none."""
    if state.panel.moderator is None:
        return NOT_A_DEBATE if state.messages else BUDGET
    if state.mode is Mode.DEMO:
        # A script has no stance, whatever its text says.
        return "demo"
    if state.is_test_run:
        return TEST_MODEL
    if state.verdict is None:
        is_judged = bool(state.messages) and state.messages[-1].kind is Kind.FINAL
        if not is_judged:
            return BUDGET
        return CONTRADICTED if state.is_contradicted else "invalid_answer"
    return PRICES_MISSING if state.is_unpriced else None


def _cost_summary(messages: Sequence[AgentMessage], discarded: int, routing: Routing | None) -> CostSummary:
    """The cost of all messages, and of the supervisor's call. The cost of the `discarded` ones is unknown, since a
    provider may bill them without reporting it."""
    priced = sum(message.cost is not None for message in messages)
    calls: list[AgentMessage | Routing] = [*messages]
    if routing is not None and routing.usage is not None:
        calls.append(routing)
    usages = [call.usage or Usage() for call in calls]
    return CostSummary(
        usd=_total([call.cost for call in calls], discarded),
        priced_messages=priced,
        unpriced_messages=len(messages) + discarded - priced,
        input_tokens=_total([usage.input_tokens for usage in usages], discarded),
        output_tokens=_total([usage.output_tokens for usage in usages], discarded),
    )


def _total(values: Sequence[N | None], discarded: int) -> N | None:
    known = [value for value in values if value is not None]
    return sum(known) if not discarded and len(known) == len(values) else None
