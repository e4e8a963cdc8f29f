"""The closed vocabulary of a conversation's log, and of the frames around it.

Every stored event is one of `EVENTS`; what is not declared here cannot be stored. The front end's
types are generated from this module.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from conversations.domain.enums import TERMINAL, Action, Kind, Mode, Stance, Status


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Usage(_Frozen):
    """Tokens as the provider counted them; null where it did not say."""

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
    """The `data` of an event; `type` is its name in the log."""

    type: ClassVar[str]


class StatusChanged(EventData):
    type: ClassVar[Literal["status"]] = "status"
    status: Status
    mode: Mode
    reason: str | None = None


class Routing(EventData):
    """Which panel took the question. `confidence` is null where nothing stated one."""

    type: ClassVar[Literal["routing"]] = "routing"
    panel: str
    reason: str
    confidence: float | None = None


class MessageStart(EventData):
    type: ClassVar[Literal["message_start"]] = "message_start"
    message: UUID
    agent: str
    role: str
    kind: Kind
    round: int
    model: str
    provider: str
    mode: Mode
    streaming: bool


class Token(EventData):
    """One or more neighbouring tokens. `offset` counts Unicode code points from the message's
    start; `cost` is the message's running estimate in US dollars, or null."""

    type: ClassVar[Literal["token"]] = "token"
    message: UUID
    offset: int = Field(ge=0)
    text: str
    token_count: int = Field(ge=1)
    cost: float | None = None


class AgentMessage(EventData):
    """A whole message; its `content` replaces the text that tokens built, its `token_count` their counts. One that was
    cut by a cancel holds what had been said, with finish_reason `cancelled`. Cost in US dollars."""

    type: ClassVar[Literal["agent_message"]] = "agent_message"
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


class MessageDiscard(EventData):
    type: ClassVar[Literal["message_discard"]] = "message_discard"
    message: UUID
    reason: str


class ToolStart(EventData):
    type: ClassVar[Literal["tool_start"]] = "tool_start"
    call: str
    message: UUID
    tool: str
    input: str


class ToolEnd(EventData):
    type: ClassVar[Literal["tool_end"]] = "tool_end"
    call: str
    message: UUID
    tool: str
    output: str


class ToolError(EventData):
    type: ClassVar[Literal["tool_error"]] = "tool_error"
    call: str
    message: UUID
    tool: str
    code: str


class InputRequest(EventData):
    """An agent's question to the owner, asked while it speaks `message`. `timeout` in seconds, or null for none;
    `deadline` is when it ends."""

    type: ClassVar[Literal["input_request"]] = "input_request"
    request: UUID
    message: UUID
    agent: str
    prompt: str
    timeout: float | None = None
    deadline: datetime | None = None


class InputExpired(EventData):
    """Nobody answered in time; the debate goes on without."""

    type: ClassVar[Literal["input_expired"]] = "input_expired"
    request: UUID


class HumanMessage(EventData):
    """What a person said: into the debate, or in answer to the request `reply_to`."""

    type: ClassVar[Literal["human_message"]] = "human_message"
    author: str
    text: str
    reply_to: UUID | None = None
    idempotency_key: str | None = None


class Control(EventData):
    """A person's command. What it led to is told by the `status` that follows."""

    type: ClassVar[Literal["control"]] = "control"
    action: Action
    actor: str
    idempotency_key: str | None = None


class Fallback(EventData):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    type: ClassVar[Literal["fallback"]] = "fallback"
    from_: str = Field(alias="from")
    to: str
    code: str
    reason: str


class Error(EventData):
    """`code` is stable; `message` is a sentence for a person. On the wire, `field` and `rule`
    name what a refused frame got wrong, and `idempotency_key` is the frame's own."""

    type: ClassVar[Literal["error"]] = "error"
    code: str
    message: str
    retryable: bool
    field: str | None = None
    rule: str | None = None
    idempotency_key: str | None = None


class Complete(EventData):
    """The verdict. With `no_verdict`, `reason` says why and the texts may be empty."""

    type: ClassVar[Literal["complete"]] = "complete"
    verdict: Stance
    confidence: float | None = Field(default=None, ge=0, le=1)
    summary: str = ""
    consensus: str = ""
    dissent: str = ""
    key_points: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    horizon: str = ""
    reason: str | None = None
    cost_summary: CostSummary
    mode: Mode
    transcript_sha256: str

    @model_validator(mode="after")
    def _only_a_verdict_is_confident(self) -> Self:
        if self.verdict is Stance.NO_VERDICT and (self.reason is None or self.confidence is not None):
            raise ValueError("no_verdict has a reason and no confidence")
        return self


EVENTS: Mapping[str, type[EventData]] = {
    model.type: model
    for model in (
        StatusChanged,
        Routing,
        MessageStart,
        Token,
        AgentMessage,
        MessageDiscard,
        ToolStart,
        ToolEnd,
        ToolError,
        InputRequest,
        InputExpired,
        HumanMessage,
        Control,
        Fallback,
        Error,
        Complete,
    )
}


def frame(
    type_: str,
    seq: int | None,
    conversation: UUID | None,
    at: datetime,
    data: Mapping[str, Any],
    after: int | None = None,
) -> str:
    """One event as it travels: JSON `{"type", "seq", "conversation", "at", "data"}`.

    `seq` is null for what is never stored. A frame that stands for several events, neighbouring tokens or tokens and
    the whole message they built, has the `seq` of the last, and with `after` that of the event before the first."""
    first = {} if after is None else {"after": after}
    return json.dumps(
        {
            "type": type_,
            "seq": seq,
            **first,
            "conversation": None if conversation is None else str(conversation),
            "at": at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "data": data,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def dump(event: EventData) -> dict[str, Any]:
    """The JSON-ready `data` of an event."""
    return event.model_dump(mode="json", by_alias=True)


def load(type_: str, data: Mapping[str, Any]) -> EventData:
    """The event of a stored row. Raises KeyError or pydantic's ValidationError on what is not ours."""
    return EVENTS[type_].model_validate(data)


@dataclass(frozen=True)
class Entry:
    """One event of the log: its place, and its encoded frame."""

    seq: int
    type: str
    text: str

    @cached_property
    def data(self) -> dict[str, Any]:
        """The event's `data`, decoded."""
        decoded: dict[str, Any] = json.loads(self.text)["data"]
        return decoded

    @property
    def is_last(self) -> bool:
        """Whether nothing follows: a terminal status."""
        return self.type == "status" and self.data["status"] in TERMINAL
