"""Whole debates without a database: they are held in the test, and their events are the result."""

from contextlib import aclosing
from typing import Any

from conversations.domain import transcript
from conversations.domain.events import EventData, dump
from conversations.domain.panels import PANELS
from conversations.orchestration.assignment import Assignment
from conversations.orchestration.state import DebateState
from conversations.prompts.material import DebateQuestion
from conversations.providers.catalog import Provider, parse
from tests.fakes.openai_server import OpenAIServer
from tests.support.ports import NoLimit, NoPeople


def debate(
    *servers: OpenAIServer | Provider,
    rounds: int = 1,
    content: str = "",
    provider: Provider | None = None,
) -> Assignment:
    """A debate by these providers, in order of preference; by `provider` alone, if given."""
    providers = [parse(each.provider) if isinstance(each, OpenAIServer) else each for each in servers]
    return Assignment(
        DebateState(
            question=DebateQuestion("Is Tarnwick worth buying?", content, "earnings", rounds),
            panel=PANELS["financial-debate"],
            providers=[provider] if provider is not None else providers,
        ),
        NoPeople(),
        NoLimit(),
    )


def sum_of(question: str, *servers: OpenAIServer | Provider) -> Assignment:
    """A question to the general assistant."""
    held = debate(*servers)
    held.state.question = DebateQuestion(question, "", "text", 1)
    held.state.panel = PANELS["general-assistant"]
    return held


async def hold(debate: Assignment) -> list[EventData]:
    async with aclosing(debate.events()) as events:
        return [event async for event in events]


def fold(events: list[EventData]) -> transcript.State:
    return transcript.fold((seq, event.type, dump(event)) for seq, event in enumerate(events, 1))


def only(kind: type[Any], events: list[EventData]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]
