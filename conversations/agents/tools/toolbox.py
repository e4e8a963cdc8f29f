"""The tools of one turn, as AG2 offers them to a model. Only here are they called."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from ag2.annotations import Context
from ag2.events import ToolCallEvent, ToolErrorEvent, ToolResult, ToolResultEvent
from ag2.middleware import BaseMiddleware
from ag2.tools.final.function_tool import FunctionDefinition, FunctionToolSchema
from ag2.tools.tool import Tool as OfferedTool
from pydantic import ValidationError

from conversations.agents.clock import ReplyClock
from conversations.agents.event_mapper import MAX_TOOL_TEXT, Finished
from conversations.agents.tools.tool import Outcome, Refused, Results, Tool
from conversations.domain import requests

logger = structlog.get_logger(__name__)

# Calls of one turn, side by side or one after the other. Each result costs room in every later request of the turn.
MAX_CALLS: Final = 20


@dataclass
class Toolbox:
    """Calls `tools` for the agent of one turn. Figures of results go to `results`, and what is to be logged of each
    call to `finished`, by its id, before the agent reads it. The clock stops meanwhile."""

    tools: Sequence[Tool[Any]]
    results: Results
    clock: ReplyClock
    finished: dict[str, Finished]
    # Arguments that a tool may only be called with, by the tool's name.
    fixed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    _calls: int = field(default=0, init=False)

    def offers(self) -> list[OfferedTool]:
        """The tools for AG2's agent."""
        return [_Offer(tool, self._schema(tool), self) for tool in self.tools]

    async def call(self, tool: Tool[Any], event: ToolCallEvent) -> ToolResultEvent:
        """The result of a call, or the sentence that says why there is none."""
        began = time.monotonic()
        try:
            with self.clock.paused():
                outcome = await self._outcome(tool, event.arguments)
        except Refused as refused:
            return self._failed(event, refused, began)
        except Exception:
            logger.exception("tool_failed", tool=tool.name)
            return self._failed(event, Refused("tool_failed", f"{tool.name} has failed."), began)
        items = self.results.add(outcome.items)
        ids = ", ".join(item.id for item in items)
        text = f"{outcome.text} [{ids}]" if items else outcome.text
        whole = outcome.whole
        if len(text) > MAX_TOOL_TEXT:
            whole = whole or text
            text = f"{text[:MAX_TOOL_TEXT]}\n(The rest is left out.)"
        self.finished[event.id] = Finished(_since(began), items, outcome.table, outcome.checks, whole)
        return ToolResultEvent.from_call(event, text)

    async def _outcome(self, tool: Tool[Any], arguments: str) -> Outcome:
        self._calls += 1
        if self._calls > MAX_CALLS:
            sentence = f"At most {MAX_CALLS} calls are allowed in one turn. Answer with what you have."
            raise Refused("too_many_calls", sentence)
        try:
            given = tool.arguments.model_validate(json.loads(arguments or "{}"))
        except ValidationError as invalid:
            problems = requests.problems(invalid.errors(include_url=False))
            raise Refused(
                "invalid_arguments", " ".join(f"{each.field}: {each.message}" for each in problems)
            ) from None
        return await tool.function(given, self.results.as_of)

    def _failed(self, event: ToolCallEvent, refused: Refused, began: float) -> ToolErrorEvent:
        self.finished[event.id] = Finished(
            _since(began), code=refused.code, reason=str(refused)[:MAX_TOOL_TEXT]
        )
        result = ToolResult(f"There is no result. {refused}")
        return ToolErrorEvent(parent_id=event.id, name=event.name, error=refused, result=result)

    def _schema(self, tool: Tool[Any]) -> dict[str, Any]:
        schema = dict(tool.schema)
        if (fixed := self.fixed.get(tool.name)) is not None:
            schema["properties"] = {
                name: {"type": "string", "enum": [value]} for name, value in fixed.items()
            }
        return schema


class _Offer(OfferedTool):
    """One of them, with the schema that the model gets."""

    def __init__(self, tool: Tool[Any], schema: dict[str, Any], toolbox: Toolbox) -> None:
        self.name = tool.name
        self._tool = tool
        self._toolbox = toolbox
        self._schema = FunctionToolSchema(function=FunctionDefinition(tool.name, tool.description, schema))

    def __deepcopy__(self, _: dict[int, Any]) -> "_Offer":
        # AG2 copies the tools of an agent; the toolbox belongs to the turn.
        return self

    async def schemas(self, context: Context) -> list[FunctionToolSchema]:
        return [self._schema]

    def register(
        self,
        stack: ExitStack | AsyncExitStack,
        context: Context,
        *,
        middleware: Iterable[BaseMiddleware] = (),
    ) -> None:
        async def execute(event: ToolCallEvent, context: Context) -> None:
            await context.send(await self._toolbox.call(self._tool, event))

        is_named: Any = ToolCallEvent.name == self.name
        stack.enter_context(context.stream.where(is_named).sub_scope(execute))


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
