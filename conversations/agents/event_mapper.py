"""AG2's events as ours. Pure: what a turn has heard so far goes in, and comes out changed."""

from dataclasses import dataclass, field
from uuid import UUID

from ag2.events import (
    BaseEvent,
    ModelMessageChunk,
    TextInput,
    ToolCallEvent,
    ToolErrorEvent,
    ToolNotFoundEvent,
    ToolResult,
    ToolResultEvent,
    UsageEvent,
)
from ag2.events.types import Usage as Counts

from conversations.domain.events import EventData, Token, ToolEnd, ToolError, ToolStart, Usage

# Tool texts are shown to people; a page of them is enough, and the log stays small.
MAX_TOOL_TEXT = 4_000
MAX_TOOL_NAME = 100


@dataclass
class PartialMessage:
    """A message in the making. `pause` stands before the next token. Prices are US dollars: of the prompt, as
    estimated, and of an output token, which is None when unknown."""

    message: UUID
    prompt_cost: float = 0.0
    token_price: float | None = None
    text: str = ""
    tokens: int = 0
    usage: Usage | None = None
    tools: dict[str, str] = field(default_factory=dict)
    pause: str = ""

    def interrupted(self) -> None:
        """What is said from now on does not run on from what was said before."""
        self.pause = "" if not self.text or self.text[-1].isspace() else "\n\n"


def translate(event: BaseEvent, heard: PartialMessage) -> EventData | None:
    """Our event for one of AG2's, or None where we have none for it."""
    match event:
        case ModelMessageChunk(content=text) if text:
            return _token(clean(text), heard)
        case ToolCallEvent():
            heard.tools[event.id] = clean(event.name)[:MAX_TOOL_NAME]
            return ToolStart(
                call=clean(event.id),
                message=heard.message,
                tool=heard.tools[event.id],
                input=clean(event.arguments)[:MAX_TOOL_TEXT],
            )
        case ToolErrorEvent() | ToolNotFoundEvent():
            # They carry a traceback, which is for the server's log and not for people.
            code = "tool_not_found" if isinstance(event, ToolNotFoundEvent) else "tool_failed"
            return ToolError(
                call=clean(event.parent_id), message=heard.message, tool=_tool(event, heard), code=code
            )
        case ToolResultEvent():
            output = clean(_text(event.result))[:MAX_TOOL_TEXT]
            return ToolEnd(
                call=clean(event.parent_id), message=heard.message, tool=_tool(event, heard), output=output
            )
        case UsageEvent(usage=usage):
            call = counted(usage)
            # Nothing is known of a sum with an unknown part.
            heard.usage = call if heard.usage is None else _sum(heard.usage, call)
    return None


def clean(text: str) -> str:
    """Text that every database and browser takes: NUL and lone surrogates become U+FFFD."""
    if text.isascii():
        return text.replace("\0", "\ufffd")
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def counted(usage: Counts) -> Usage:
    """What a call used, as far as the provider counted it."""
    return Usage(input_tokens=_whole(usage.prompt_tokens), output_tokens=_whole(usage.completion_tokens))


def _token(text: str, heard: PartialMessage) -> Token:
    text, heard.pause = heard.pause + text, ""
    offset = len(heard.text)
    heard.text += text
    heard.tokens += 1
    cost = None if heard.token_price is None else heard.prompt_cost + heard.tokens * heard.token_price
    return Token(message=heard.message, offset=offset, text=text, token_count=1, cost=cost)


def _tool(event: ToolResultEvent, heard: PartialMessage) -> str:
    return heard.tools.get(event.parent_id) or clean(event.name or "unknown")[:MAX_TOOL_NAME]


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
