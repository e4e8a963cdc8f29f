"""The tool with which an agent asks a person a question during its turn.

It uses AG2's own `context.input`, so that AG2's human-in-the-loop hooks apply.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import ag2
from ag2.annotations import Context
from ag2.events import HumanInputRequest, HumanMessage

from conversations.agents.clean_text import clean
from conversations.domain.texts import has_visible_character

NAME: Final = "ask_the_owner"
MAX_QUESTION = 1_000
_ASKED: Final = "You have asked already; only one question is allowed. Go on without."
_BLANK: Final = "That was no question. Go on without."
# The key in a turn's context that marks its one question as asked.
_ASKED_KEY: Final = "conversations.asking"

Ask = Callable[[str], Awaitable[str]]


@ag2.tool(
    name=NAME,
    description=(
        "Ask the person who started this debate one short question, and wait for the answer. Only where the answer"
        " would change what you say, and nothing you have read gives it. Once at most."
    ),
)
async def tool(question: str, context: Context) -> str:
    """Returns the answer, or a sentence for the model on why there is none."""
    text = clean(question).strip()[:MAX_QUESTION]
    if not has_visible_character(text):
        return _BLANK
    # Calls of the same answer run concurrently; the first one counts.
    if _ASKED_KEY in context.dependencies:
        return _ASKED
    context.dependencies[_ASKED_KEY] = True
    return await context.input(text)


def options(ask: Ask) -> dict[str, Any]:
    """Keyword arguments of an AG2 agent that may ask a person; `ask` takes the question and returns its outcome."""

    async def answer(event: HumanInputRequest) -> HumanMessage:
        return HumanMessage(await ask(event.content), parent_id=event.id)

    return {"tools": [tool], "hitl_hook": answer}
