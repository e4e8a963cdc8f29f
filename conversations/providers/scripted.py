"""The demo: scripted texts that are streamed through AG2 like a model's answers, and always labelled as a demo."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ag2.context import ConversationContext
from ag2.events import BaseEvent, ModelMessage, ModelMessageChunk, ModelResponse
from ag2.response import ResponseProto
from ag2.tools.schemas import ToolSchema
from fast_depends.library.serializer import SerializerProto

from conversations.providers.client_config import ClientConfig

_SCRIPT: Final = {
    "financial_analyst": (
        "This is a scripted demo, not an analysis. On **{topic}**, a real Financial Analyst would start with revenue,"
        " margins and cash flow, and say which of them the question depends on. It would then set the price paid"
        " against what those numbers can carry.",
        "Still scripted: here the Financial Analyst would answer the Risk Challenger point by point, and say which"
        " number would change its mind about *{topic}*.",
    ),
    "market_context": (
        "Scripted demo. Market Context would place **{topic}** in its surroundings: the sector, the competitors,"
        " interest rates, and what investors already expect.",
        "Still scripted: Market Context would now weigh what the others said against the news of the day.",
    ),
    "risk_challenger": (
        "Scripted demo. The Risk Challenger would look for the weakest assumption behind **{topic}**:\n\n"
        "- what has to go right,\n- what happens if it does not,\n- and what would show it early.",
        "Still scripted: the Risk Challenger would say which of its objections were answered, and which stand.",
    ),
}
_OTHER: Final = ("Scripted demo. Here another voice would speak about **{topic}**.",)
_VERDICT: Final = (
    '{"stance": "hold", "confidence_percent": 0, "summary": "This was a scripted demo. Nothing was analysed.",'
    ' "consensus": "", "dissent": "", "key_points": [], "risks": [], "horizon": ""}'
)


def script(role: str, round_: int, topic: str) -> str:
    """The text of `role` in a round (1, 2, ...), with the topic filled in."""
    lines = _SCRIPT.get(role, _OTHER)
    return lines[min(max(round_, 1), len(lines)) - 1].replace("{topic}", topic)


@dataclass(frozen=True)
class ScriptedConfig(ClientConfig):
    """An AG2 configuration that answers `text`, token by token, or the scripted verdict if one is requested."""

    text: str
    streaming: bool
    tokens_per_second: float

    @property
    def model(self) -> str:
        return "scripted"

    async def __call__(
        self,
        messages: Sequence[BaseEvent],
        context: ConversationContext,
        *,
        tools: Iterable[ToolSchema],
        response_schema: ResponseProto[Any] | None,
        serializer: SerializerProto,
    ) -> ModelResponse:
        text = _VERDICT if response_schema is not None else self.text
        if self.streaming:
            for token in re.findall(r"\S+\s*|\s+", text):
                # The speed of a real model, so that a demo looks like a debate.
                await asyncio.sleep(1 / self.tokens_per_second)
                await context.send(ModelMessageChunk(token))
        message = ModelMessage(text)
        await context.send(message)
        return ModelResponse(message, model="scripted", provider="demo", finish_reason="stop")
