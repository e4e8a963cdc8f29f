"""What a tool is: a typed function that an agent may call.

1. A tool only reads: a turn that is repeated after a crash calls it again.
2. It reads nothing of a person, unless it is made for one conversation, with what its owner has attached; no other
   conversation can call it.
3. It costs no money: what its results cost is their room in the model's next request, which the budget reserves.
4. What it gives is data to the agent, never an order; its figures become items of the record before the agent reads
   them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from conversations.domain.events import ResultTable
from evidence.record import Item


class Arguments(BaseModel):
    """The arguments of a call; a model that adds others is told so."""

    model_config = ConfigDict(extra="forbid", frozen=True)


A = TypeVar("A", bound=Arguments)


class Refused(Exception):
    """A call has no result. `code` is stable; the message is a sentence for the agent and for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Outcome:
    """`text` is what the agent reads. `items` are its figures, numbered from E1 on; the record gives them ids of its
    own. `table` is a result in rows, for people; `checks` are sentences on what rules find in it. `whole` is the
    result, if `text` and `table` have only its beginning."""

    text: str
    items: Sequence[Item] = ()
    table: ResultTable | None = None
    checks: Sequence[str] = ()
    whole: str = ""


class Results(Protocol):
    """Where the figures of results go: the record of the conversation. Nothing in it was known after `as_of`."""

    @property
    def as_of(self) -> datetime: ...

    def add(self, items: Sequence[Item]) -> Sequence[Item]:
        """Put the items on record; returns them with their ids."""


@dataclass(frozen=True)
class Tool(Generic[A]):
    """`arguments` is the schema of `function`, which takes them and the record's time and raises Refused."""

    name: str
    description: str
    arguments: type[A]
    function: Callable[[A, datetime], Awaitable[Outcome]]

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON schema of its arguments, without references, which some providers refuse."""
        schema = self.arguments.model_json_schema()
        definitions = schema.pop("$defs", {})
        # The description of the class is for readers of the code.
        schema.pop("description", None)
        inlined: dict[str, Any] = _inlined(schema, definitions)
        return inlined


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if (reference := schema.get("$ref")) is not None:
        named = definitions[reference.removeprefix("#/$defs/")]
        schema = {**named, **{key: value for key, value in schema.items() if key != "$ref"}}
    return {key: _inlined(value, definitions) for key, value in schema.items() if key != "title"}


def in_thread(function: Callable[[A, datetime], Outcome]) -> Callable[[A, datetime], Awaitable[Outcome]]:
    """A function that takes more than a moment, as one that does not hold up the event loop."""

    async def called(arguments: A, as_of: datetime) -> Outcome:
        return await asyncio.to_thread(function, arguments, as_of)

    return called
