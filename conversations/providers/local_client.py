"""The client of the model on this machine, whose chat template knows no tools.

1. It is offered tools: its answer is a call as JSON, by a schema that the server enforces while it samples. Among
   several tools it may also choose none.
2. It has got results: its answer says them, by a grammar of edited sentences.
3. Anything else is as with every model.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from ag2.config.openai.mappers import convert_messages, tool_to_api
from ag2.context import ConversationContext
from ag2.events import (
    BaseEvent,
    ModelResponse,
    TextInput,
    ToolCallEvent,
    ToolCallsEvent,
    ToolResultsEvent,
    Usage,
)
from ag2.response import ResponseProto
from ag2.tools.schemas import ToolSchema
from fast_depends.library.serializer import SerializerProto

from conversations.providers.chat_client import ChatClient

_NONE: Final = "none"
# Without them the model never chooses none.
_EXAMPLES: Final = (
    'Examples:\nGood morning! {"tool": "none"}\nWhat was real GDP in 2010? '
    '{"tool": "look_up", "arguments": {"subject": "US", "metric": "real_gdp", "at": "2010-12-31"}}'
)
_NO_CALL: Final = {
    "type": "object",
    "properties": {"tool": {"const": _NONE}},
    "required": ["tool"],
    "additionalProperties": False,
}


class LocalClient(ChatClient):
    """A ChatClient whose model may call tools."""

    async def __call__(
        self,
        messages: Sequence[BaseEvent],
        context: ConversationContext,
        *,
        tools: Iterable[ToolSchema],
        response_schema: ResponseProto[Any] | None,
        serializer: SerializerProto,
    ) -> ModelResponse:
        offered = [tool_to_api(tool)["function"] for tool in tools]
        results = [text for event in messages for text in _texts(event)]
        if offered and not results:
            called = await self._call(offered, convert_messages(context.prompt, messages, serializer))
            if called is not None:
                return called
        if results:
            self._request = {**self._request, "grammar": _result_grammar(results)}
        return await super().__call__(
            messages, context, tools=(), response_schema=response_schema, serializer=serializer
        )

    async def _call(self, offered: Sequence[Any], messages: Sequence[Any]) -> ModelResponse | None:
        """The call that the model makes of those that it is offered; None if it chooses none."""
        calls = [_call_schema(each["name"], each["parameters"]) for each in offered]
        if len(offered) > 1:
            calls.append(_NO_CALL)
            messages = [{"role": "system", "content": _choice(offered)}, *messages[1:]]
        form = {"type": "json_schema", "json_schema": {"name": "call", "schema": {"anyOf": calls}}}
        request = {
            **self._request,
            "messages": messages,
            "stream": False,
            "temperature": 0,
            "response_format": form,
        }
        request.pop("stream_options", None)
        asking = self._library.chat.completions.with_raw_response.create(
            model=request["model"], messages=[], extra_body=request
        )
        answer = json.loads((await asking).content)
        choice, usage = answer["choices"][0], answer.get("usage") or {}
        chosen = json.loads(choice["message"]["content"])
        if chosen["tool"] == _NONE:
            return None
        call = ToolCallEvent(id=uuid4().hex, name=chosen["tool"], arguments=json.dumps(chosen["arguments"]))
        return ModelResponse(
            tool_calls=ToolCallsEvent([call]),
            usage=Usage(
                prompt_tokens=usage.get("prompt_tokens"), completion_tokens=usage.get("completion_tokens")
            ),
            model=answer.get("model"),
            provider="openai",
            finish_reason="tool_calls",
        )


def _choice(offered: Sequence[Any]) -> str:
    """What the model is told of the tools: their names, what they do, and their arguments."""
    tools = [
        f"- {each['name']}: {each['description']} Arguments: {', '.join(each['parameters']['properties'])}."
        for each in offered
    ]
    first = "You choose the tool that answers a question, with its arguments. Choose none if no tool fits."
    return "\n".join([f"{first} Today is {datetime.now(UTC).date()}.", *tools, _EXAMPLES])


def _call_schema(name: str, arguments: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"tool": {"const": name}, "arguments": arguments},
        "required": ["tool", "arguments"],
        "additionalProperties": False,
    }


def _texts(event: BaseEvent) -> list[str]:
    """The texts of the results in an event."""
    if not isinstance(event, ToolResultsEvent):
        return []
    return [
        part.content for each in event.results for part in each.result.parts if isinstance(part, TextInput)
    ]


def _result_grammar(results: Sequence[str]) -> str:
    """A GBNF grammar of an answer that says these results of tools as they are, such as "2 + 3 = 5 [E1]"."""
    return "root ::= " + ' " " '.join(f"({' | '.join(map(_literal, _said(result)))})" for result in results)


def _said(result: str) -> list[str]:
    left, equals, right = " ".join(result.split()).partition(" = ")
    if not equals:
        return [left]
    return [f"{left} is {right}.", f"The result of {left} is {right}.", f"{left} comes to {right}."]


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
