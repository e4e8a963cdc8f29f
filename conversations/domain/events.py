"""The closed vocabulary of a conversation's log.

Every stored event is a subclass of `EventData` that is declared here; nothing else can be stored. The front end's types
are generated from this module. Fields are only added, with defaults, and readers skip types and fields that they do not
know: during an upgrade an older process reads what a newer one writes.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple, Self
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from conversations.domain.enums import Action, Kind, Mode, ResultChartKind, RoutedBy, Stance, Status
from evidence.record import Instrument, Item, Missing, Number
from evidence.words import STORED

# Characters of a text that is stored beside the log: as many as a result of the sandbox has bytes.
MAX_WHOLE_TEXT: Final = 1 << 20


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Usage(_Frozen):
    """Tokens as counted by the provider; null if it did not report them."""

    input_tokens: int | None = None
    output_tokens: int | None = None


class CostSummary(_Frozen):
    """`usd` is null unless the price of every message is known."""

    usd: float | None
    priced_messages: int
    unpriced_messages: int
    input_tokens: int | None
    output_tokens: int | None


class EventData(_Frozen):
    """The `data` of an event. A subclass gives its name in the log: `class Token(EventData, type="token")`."""

    type: ClassVar[str]

    def __init_subclass__(cls, *, type: str, **settings: Any) -> None:  # noqa: A002 (the log's word)
        super().__init_subclass__(**settings)
        cls.type = type


class StatusChanged(EventData, type="status"):
    status: Status
    mode: Mode
    reason: str | None = None


class Routing(EventData, type="routing"):
    """The panel that answers the question, and why: `chosen_at_start` if a person chose it, else a sentence.
    `confidence`, from 0 to 1 as a decimal, is the supervisor's own; null if it was not asked. `usage` and `cost` (US
    dollars) are of its call: null without one, or if they are unknown."""

    panel: str
    reason: str
    confidence: Number | None = None
    by: RoutedBy = RoutedBy.PERSON
    usage: Usage | None = None
    cost: float | None = None


class TextRead(_Frozen):
    """How much of a text a model was given: the first `read` of its `characters`. `source` is the name of the source;
    null for the content."""

    source: str | None
    characters: int = Field(ge=0)
    read: int = Field(ge=0)


class Snapshot(EventData, type="snapshot"):
    """The record that the debate's figures are checked against, frozen before the first message. `snapshot` is its
    SHA-256; `items` is how many items follow in `evidence` events. `sources` are where they come from."""

    snapshot: str
    as_of: datetime
    instrument: Instrument | None = None
    items: int = Field(ge=0)
    missing: tuple[Missing, ...] = ()
    sources: tuple[str, ...] = ()


class Evidence(EventData, type="evidence"):
    """Items of the record, in its order. Their ids never change. Those after the snapshot's are results of tools."""

    items: tuple[Item, ...]


class MessageStart(EventData, type="message_start"):
    """An agent begins to speak. `texts` says how much of the content and of each source, in order, its model was given;
    empty if it was all of them. `items` are the ids of the items of the record that it was given."""

    message: UUID
    agent: str
    role: str
    kind: Kind
    round: int
    model: str
    provider: str
    mode: Mode
    streaming: bool
    texts: tuple[TextRead, ...] = ()
    items: tuple[str, ...] = ()


class Token(EventData, type="token"):
    """One or more neighbouring tokens. `offset` counts Unicode code points from the message's start; `cost` is the
    estimated cost of the message so far in US dollars, or null if unknown."""

    message: UUID
    offset: int = Field(ge=0)
    text: str
    token_count: int = Field(ge=1)
    cost: float | None = None


class AgentMessage(EventData, type="agent_message"):
    """A finished message. Its `content` replaces the text of its tokens, and its `token_count` the sum of theirs. A
    message that a cancel has cut off has the text so far, and the finish_reason `cancelled`. `cost` is in US dollars:
    null if unknown, 0 for what the server runs itself (`local`, `demo`)."""

    message: UUID
    agent: str
    role: str
    kind: Kind
    round: int
    content: str
    token_count: int | None = Field(default=None, ge=0)
    confidence: float | None = Field(default=None, ge=0, le=1)
    usage: Usage
    cost: float | None = None
    model: str
    provider: str
    mode: Mode
    finish_reason: str
    duration_ms: int = Field(ge=0)


class CheckedFigure(_Frozen):
    """A figure of a message. `start` and `end` count code points of its text. `value` is in base units: $156.5bn is
    156500000000, 45 % is 45; null if its notation is not understood. `label` is one of matched, derived, consistent,
    contradicted, unsupported, assumption, unchecked. `expected` is the record's value where it contradicts."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    text: str
    value: str | None
    unit: str
    label: str
    evidence: tuple[str, ...] = ()
    expected: str | None = None
    formula: str | None = None


class Figures(EventData, type="figures"):
    """Figures of a message, checked by a version of the rules. While the message streams, each event has those of its
    newest sentences. The `final` one has all, and replaces them."""

    message: UUID
    checker: str
    items: tuple[CheckedFigure, ...]
    final: bool = False


class MessageDiscard(EventData, type="message_discard"):
    message: UUID
    reason: str


class WholeText(NamedTuple):
    """A text of which an event has only the beginning. It is stored beside the log, under its id."""

    id: UUID
    text: str

    @classmethod
    def of(cls, text: str) -> Self:
        """The text under a new id, without what exceeds MAX_WHOLE_TEXT."""
        return cls(uuid4(), text[:MAX_WHOLE_TEXT])


class _LongText(_Frozen):
    """What events share that may refer to a whole text."""

    # Private, because it is in neither the log nor the schema.
    _whole: WholeText | None = PrivateAttr(default=None)

    @property
    def whole(self) -> WholeText | None:
        """The text that the event refers to, until it is stored."""
        return self._whole

    def referring(self, whole: WholeText | None) -> Self:
        """This event, whose text is stored with it."""
        self._whole = whole
        return self


class ToolStart(_LongText, EventData, type="tool_start"):
    """An agent calls a tool during `message`. `input` is JSON, at most 4,000 characters of it; if it has more,
    `input_text` is the id of the whole. The end, or the error, of a call has the same `call`; calls may overlap."""

    call: str
    message: UUID
    tool: str
    input: str
    input_text: UUID | None = None


class ResultChart(_Frozen):
    """How a result can be drawn, by places of its columns: `y` over the dates, or the names, of `x`."""

    kind: ResultChartKind
    x: int = Field(ge=0)
    y: tuple[int, ...]


class ResultTable(_Frozen):
    """The beginning of a result in rows; `total` is how many it has, null if there are more than a result may have.
    `chart` is null if it is not known how to draw it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int | None = Field(default=None, ge=0)
    chart: ResultChart | None = None


class ToolEnd(_LongText, EventData, type="tool_end"):
    """What a call gave. `output` is the text that the agent reads, at most 4,000 characters of it; a result in rows is
    also a `table`. If they have only its beginning, `output_text` is the id of the whole. `evidence` are the items that
    it added to the record, in an `evidence` event before this one. `checks` are sentences on what rules find in the
    result. `duration_ms` is null if it was not measured."""

    call: str
    message: UUID
    tool: str
    output: str
    output_text: UUID | None = None
    table: ResultTable | None = None
    evidence: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    duration_ms: int | None = Field(default=None, ge=0)


class ToolError(EventData, type="tool_error"):
    """A call failed. `reason` is a sentence for a person, which the agent reads, too; it may be empty."""

    call: str
    message: UUID
    tool: str
    code: str
    reason: str = ""
    duration_ms: int | None = Field(default=None, ge=0)


class InputRequest(EventData, type="input_request"):
    """An agent's question to the owner, asked during `message`, after `offset` Unicode code points of its text (null:
    unknown). It expires at `deadline`, after `timeout` seconds; both are null if it does not expire."""

    request: UUID
    message: UUID
    agent: str
    prompt: str
    timeout: float | None = None
    deadline: datetime | None = None
    offset: int | None = Field(default=None, ge=0)


class InputExpired(EventData, type="input_expired"):
    """The debate continues without an answer to the question: its time is over, or the person `actor` skipped it."""

    request: UUID
    actor: str | None = None
    idempotency_key: str | None = None


class HumanMessage(EventData, type="human_message"):
    """A person's message to the panel, or the answer to the question `reply_to`. `to` is the role of the agent that is
    to answer the message; null: the next speaker."""

    author: str
    text: str
    reply_to: UUID | None = None
    idempotency_key: str | None = None
    to: str | None = None


class Control(EventData, type="control"):
    """A person's command. The `status` that follows shows its effect."""

    action: Action
    actor: str
    idempotency_key: str | None = None


class Fallback(EventData, type="fallback"):
    from_: str = Field(alias="from")
    to: str
    code: str
    reason: str


class Error(EventData, type="error"):
    """`code` is stable; `message` is a sentence for a person. In the answer to an invalid frame of a client, `field`
    and `rule` name what is invalid, and `idempotency_key` is the frame's own."""

    code: str
    message: str
    retryable: bool
    field: str | None = None
    rule: str | None = None
    idempotency_key: str | None = None


class FigureCounts(_Frozen):
    """How many figures of the debate have each label."""

    matched: int = 0
    derived: int = 0
    consistent: int = 0
    contradicted: int = 0
    unsupported: int = 0
    assumption: int = 0
    unchecked: int = 0


class Complete(EventData, type="complete"):
    """The verdict. With `no_verdict`, `reason` is the cause, and the texts may be empty. `horizon` has a number or is
    empty; `would_change` says what would change the stance. `figures` and `snapshot` (the record's SHA-256) are null
    if the debate has no record."""

    verdict: Stance
    confidence: float | None = Field(default=None, ge=0, le=1)
    summary: str = ""
    consensus: str = ""
    dissent: str = ""
    key_points: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    horizon: str = ""
    would_change: str = ""
    reason: str | None = None
    cost_summary: CostSummary
    mode: Mode
    transcript_sha256: str
    figures: FigureCounts | None = None
    snapshot: str | None = None

    @model_validator(mode="after")
    def _only_a_verdict_is_confident(self) -> Self:
        if self.verdict is Stance.NO_VERDICT and (self.reason is None or self.confidence is not None):
            raise ValueError("no_verdict has a reason and no confidence")
        return self


# Every event of the log, by its type. Frames that are never stored are declared elsewhere.
EVENTS: Mapping[str, type[EventData]] = {model.type: model for model in EventData.__subclasses__()}


def dump(event: EventData) -> dict[str, Any]:
    """The JSON-ready `data` of an event."""
    return event.model_dump(mode="json", by_alias=True)


def load(type_: str, data: Mapping[str, Any]) -> EventData | None:
    """The event of a stored row, without fields that this version does not know, and with unknown words as they are;
    None if it does not know the type.

    Raises pydantic's ValidationError on data that no version writes."""
    model = EVENTS.get(type_)
    return None if model is None else model.model_validate(data, extra="ignore", context=STORED)
