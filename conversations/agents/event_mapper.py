"""Translates AG2's events to ours and updates a PartialMessage. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from ag2.events import (
    BaseEvent,
    TextInput,
    ToolCallEvent,
    ToolErrorEvent,
    ToolNotFoundEvent,
    ToolResult,
    ToolResultEvent,
    UsageEvent,
)
from ag2.events.types import Usage as Counts

from conversations.agents.clean_text import clean
from conversations.domain.events import (
    EventData,
    ResultTable,
    Token,
    ToolEnd,
    ToolError,
    ToolStart,
    Usage,
    WholeText,
)
from evidence.record import Item

# Characters of a tool's input or output that are stored: about a page, so that the log stays small.
MAX_TOOL_TEXT = 4_000
# Characters of a cell, and of all cells of a table: a frame has at most 1 MiB, and a character takes up to 12 bytes.
MAX_CELL = 500
MAX_CELLS = 50_000
MAX_TOOL_NAME = 100
# Some gateways put a model's signature of its thoughts into the id of a call.
MAX_CALL_ID = 200


@dataclass(frozen=True)
class Finished:
    """What is logged of a call beside its output: its items on the record, its table, what rules find in it, and the
    `whole` of which output and table have only the beginning; or why it failed. `duration_ms` is None if it was not
    measured."""

    duration_ms: int | None = None
    items: Sequence[Item] = ()
    table: ResultTable | None = None
    checks: Sequence[str] = ()
    whole: str = ""
    code: str = ""
    reason: str = ""


# Of a call that the toolbox has not made, such as one of an unknown tool.
_UNKNOWN = Finished()


@dataclass
class PartialMessage:
    """A message that is arriving. `tools` are names by the call's id, as the model gave it, and `finished` are calls
    by it; `pause` is text to put before the next token. `prompt_cost` (estimated) and `token_price` (of one output
    token) are in US dollars; None is unknown."""

    message: UUID
    prompt_cost: float = 0.0
    token_price: float | None = None
    text: str = ""
    tokens: int = 0
    usage: Usage | None = None
    tools: dict[str, str] = field(default_factory=dict)
    finished: dict[str, Finished] = field(default_factory=dict)
    pause: str = ""

    def interrupted(self) -> None:
        """The model calls tools: its next text begins a new paragraph."""
        self.pause = "" if not self.text or self.text[-1].isspace() else "\n\n"


def translate(event: BaseEvent, partial: PartialMessage) -> EventData | None:
    """Our event for an event of AG2, or None if it has none."""
    match event:
        case ToolCallEvent():
            return _started(event, partial)
        case ToolErrorEvent() | ToolNotFoundEvent():
            # Both events hold a traceback, which people must not see.
            code = "tool_not_found" if isinstance(event, ToolNotFoundEvent) else "tool_failed"
            finished = partial.finished.get(event.parent_id, _UNKNOWN)
            return ToolError(
                call=call_id(event.parent_id),
                message=partial.message,
                tool=_tool(event, partial),
                code=finished.code or code,
                reason=clean(finished.reason),
                duration_ms=finished.duration_ms,
            )
        case ToolResultEvent():
            return _ended(event, partial)
        case UsageEvent(usage=usage):
            call = counted(usage)
            # A sum with an unknown part is unknown.
            partial.usage = call if partial.usage is None else _sum(partial.usage, call)
    return None


def call_id(id_: str) -> str:
    """The id of a call as it is logged."""
    return clean(id_)[:MAX_CALL_ID]


def counted(usage: Counts) -> Usage:
    """The usage of a call. A count that the provider did not send is None."""
    return Usage(input_tokens=_whole(usage.prompt_tokens), output_tokens=_whole(usage.completion_tokens))


def token(text: str, partial: PartialMessage) -> Token:
    """The Token event that adds this text to the message."""
    text, partial.pause = partial.pause + text, ""
    offset = len(partial.text)
    partial.text += text
    partial.tokens += 1
    cost = None if partial.token_price is None else partial.prompt_cost + partial.tokens * partial.token_price
    return Token(message=partial.message, offset=offset, text=text, token_count=1, cost=cost)


def _started(event: ToolCallEvent, partial: PartialMessage) -> ToolStart:
    partial.tools[event.id] = clean(event.name)[:MAX_TOOL_NAME]
    given = clean(event.arguments)
    whole = WholeText.of(given) if len(given) > MAX_TOOL_TEXT else None
    return ToolStart(
        call=call_id(event.id),
        message=partial.message,
        tool=partial.tools[event.id],
        input=given[:MAX_TOOL_TEXT],
        input_text=whole and whole.id,
    ).referring(whole)


def _ended(event: ToolResultEvent, partial: PartialMessage) -> ToolEnd:
    finished = partial.finished.get(event.parent_id, _UNKNOWN)
    whole = WholeText.of(clean(finished.whole)) if finished.whole else None
    return ToolEnd(
        call=call_id(event.parent_id),
        message=partial.message,
        tool=_tool(event, partial),
        output=clean(_text(event.result))[:MAX_TOOL_TEXT],
        output_text=whole and whole.id,
        table=finished.table and _bounded(finished.table),
        evidence=tuple(item.id for item in finished.items),
        checks=tuple(finished.checks),
        duration_ms=finished.duration_ms,
    ).referring(whole)


def _bounded(table: ResultTable) -> ResultTable:
    """The table's first rows, as many as an event may have, with the beginning of each cell."""
    rows, left = [], MAX_CELLS
    for row in table.rows:
        cells = tuple(clean(cell)[:MAX_CELL] for cell in row)
        left -= sum(map(len, cells))
        if left < 0:
            break
        rows.append(cells)
    return table.model_copy(update={"rows": tuple(rows)})


def _tool(event: ToolResultEvent, partial: PartialMessage) -> str:
    return partial.tools.get(event.parent_id) or clean(event.name or "unknown")[:MAX_TOOL_NAME]


def _text(result: ToolResult) -> str:
    return "\n".join(
        part.content if isinstance(part, TextInput) else f"[{type(part).__name__}]" for part in result.parts
    )


def _whole(count: float | None) -> int | None:
    return None if count is None else int(count)


def _sum(first: Usage, second: Usage) -> Usage:
    inputs, outputs = (first.input_tokens, second.input_tokens), (first.output_tokens, second.output_tokens)
    return Usage(
        input_tokens=None if None in inputs else sum(filter(None, inputs)),
        output_tokens=None if None in outputs else sum(filter(None, outputs)),
    )
