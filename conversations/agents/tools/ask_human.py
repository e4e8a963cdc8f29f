"""The tool by which an agent puts a question to a person, in the middle of its turn.

It asks through AG2's own `context.input`, so that whatever AG2 does around a question to a human applies to it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import ag2
from ag2.annotations import Context
from ag2.events import HumanInputRequest, HumanMessage

from conversations.agents.event_mapper import clean

NAME: Final = "ask_the_owner"
MAX_QUESTION = 1_000
_ASKED: Final = "You have asked already; only one question is allowed. Go on without."
_BLANK: Final = "That was no question. Go on without."
# Where a turn's context keeps that its one question was put.
_PUT: Final = "conversations.asking"

Ask = Callable[[str], Awaitable[str]]


@ag2.tool(
    name=NAME,
    description=(
        "Ask the person who started this debate one short question, and wait for the answer. Only where the answer"
        " would change what you say, and nothing you have read gives it. Once at most."
    ),
)
async def tool(question: str, context: Context) -> str:
    """The answer, or a sentence that says why there is none."""
    text = clean(question).strip()[:MAX_QUESTION]
    if not text:
        return _BLANK
    # Two calls of one answer run side by side: the first one counts.
    if _PUT in context.dependencies:
        return _ASKED
    context.dependencies[_PUT] = True
    return await context.input(text)


def options(ask: Ask) -> dict[str, Any]:
    """Keyword arguments of an AG2 agent that may ask; `ask` puts a question and returns what becomes of it."""

    async def put(event: HumanInputRequest) -> HumanMessage:
        return HumanMessage(await ask(event.content), parent_id=event.id)

    return {"tools": [tool], "hitl_hook": put}
