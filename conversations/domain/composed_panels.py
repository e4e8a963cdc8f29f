"""Panels that people compose: their JSON, and its validation.

What people write is judged as written by strangers: a name passes for nobody else, and no text has invisible
characters.
"""

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, Final, TypedDict

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from conversations.domain import names, requests
from conversations.domain.errors import InvalidInput, Problem
from conversations.domain.panels import TOOLS
from conversations.domain.requests import DEFAULT_ROUNDS, LINE, LINES, MAX_ROUNDS, Form

MAX_NAME: Final = 60
MAX_DESCRIPTION: Final = 300
MAX_AGENTS: Final = 8
MAX_AGENT_NAME: Final = 40
MAX_ROLE: Final = 80
MAX_INSTRUCTIONS: Final = 4_000
MAX_TEMPERATURE: Final = 2
MAX_MODEL: Final = 200
# The site's colours for agents, by number.
COLORS: Final = 8
# Of one request. The first ones are enough to mend it.
MAX_PROBLEMS: Final = 100
# Characters of a field's path, which may have names that were sent.
MAX_PATH: Final = 100

_SIGNS: Final = frozenset(" -'’.&+/")
# Marks over one letter: more would cover what stands beside it.
_MAX_MARKS: Final = 2
# Joiners of letters in many scripts, and of emoji.
_JOINERS: Final = frozenset("\u200c\u200d")
_PEOPLE_LIKE: Final = frozenset(
    {"you", "me", "user", "human", "person", "people", "everyone", "visitor", "developer", "tool"}
)
# A name that has one of these as a word passes for who decides.
_AUTHORITIES: Final = frozenset({"moderator", "supervisor", "judge", "system", "outcry", "admin"})
# Agents may be called so, though people may not.
_ALLOWED: Final = frozenset({"agent", "analyst"})


class Known(TypedDict):
    """What a panel may name: labels of `models`; and names of `people` that no agent may have."""

    models: Collection[str]
    people: Collection[str]


def _visible(text: str) -> str:
    for character in text:
        if unicodedata.category(character) in {"Cf", "Cn", "Co", "Cs"} and character not in _JOINERS:
            code = f"U+{ord(character):04X}"
            raise PydanticCustomError("invisible", "Remove the invisible character {code}", {"code": code})
    return text


def _agent_name(name: str, info: ValidationInfo) -> str:
    marks = 0
    for place, character in enumerate(name):
        is_mark = unicodedata.category(character)[0] == "M"
        marks = marks + 1 if is_mark else 0
        is_allowed = character.isalnum() or (place > 0 and (character in _SIGNS or 0 < marks <= _MAX_MARKS))
        if not is_allowed:
            sentence = "Use letters, digits, spaces and - ' . & + / only, and begin with a letter or digit"
            raise PydanticCustomError("characters", sentence)
    if not names.has_usual_letters(name):
        raise PydanticCustomError("letters", "Write the name with plain letters, without variants of them")
    if not names.is_of_one_script(name):
        raise PydanticCustomError("scripts", "Use letters of one writing system only")
    people: Collection[str] = (info.context or {}).get("people", ())
    words = names.looks(name.split())
    if names.look(name) & (_reserved() | names.looks(people)) or words & _AUTHORITIES:
        raise PydanticCustomError("reserved", "This name passes for somebody else. Choose another one")
    return name


@cache
def _reserved() -> frozenset[str]:
    own = (*names.names_of_agents(), *(names.STAFF_LIKE - _ALLOWED), *_PEOPLE_LIKE, *_AUTHORITIES)
    return names.looks(own)


def _known_model(label: str, info: ValidationInfo) -> str:
    models: Collection[str] | None = (info.context or {}).get("models")
    if models is not None and label not in models:
        raise PydanticCustomError(
            "unknown_model",
            "This site has no such model. Choose one of: {models}",
            {"models": ", ".join(models)},
        )
    return label


def _known_tools(tools: Sequence[str]) -> Sequence[str]:
    for tool in tools:
        if tool not in TOOLS:
            raise PydanticCustomError("unknown_tool", "Choose of: {tools}", {"tools": ", ".join(TOOLS)})
    return [tool for tool in TOOLS if tool in tools]


Model = Annotated[
    Annotated[str, StringConstraints(max_length=MAX_MODEL), AfterValidator(_known_model)] | None,
    Field(
        description="A model of this site, by its label, which speaks first; null: the site's order of preference."
    ),
]


class ComposedAgent(Form):
    """An agent of a panel that a person composes."""

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_AGENT_NAME),
        LINE,
        AfterValidator(_agent_name),
        Field(description="Letters, digits, spaces and - ' . & + /; it may not pass for somebody else."),
    ]
    color: Annotated[
        int | None,
        Field(strict=True, ge=0, le=COLORS - 1, description="One of the site's colours; null: by its place."),
    ] = None
    role: Annotated[
        str,
        StringConstraints(max_length=MAX_ROLE),
        LINE,
        AfterValidator(_visible),
        Field(description="What it is, in a few words."),
    ] = ""
    instructions: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_INSTRUCTIONS),
        LINES,
        AfterValidator(_visible),
        Field(
            description="What it argues, and how. The rules of a debate come after them, and go before them."
        ),
    ]
    model: Model = None
    temperature: Annotated[
        float | None,
        Field(
            strict=True,
            ge=0,
            le=MAX_TEMPERATURE,
            allow_inf_nan=False,
            description="null: the model's own. A model that takes none speaks without.",
        ),
    ] = None
    streaming: Annotated[
        bool, Field(strict=True, description="Whether its messages come word by word, or in one piece.")
    ] = True
    tools: Annotated[
        list[str],
        Field(max_length=len(TOOLS), description=f"What it may call: {', '.join(TOOLS)}."),
        AfterValidator(_known_tools),
    ] = []


class Judge(Form):
    """The Moderator, whose rules are the site's."""

    model: Model = None


class ComposedPanel(Form):
    """A panel that a person composes. It is stored, exported and imported in this form."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME), LINE, AfterValidator(_visible)]
    description: Annotated[
        str, StringConstraints(max_length=MAX_DESCRIPTION), LINE, AfterValidator(_visible)
    ] = ""
    rounds: Annotated[
        int,
        Field(strict=True, ge=1, le=MAX_ROUNDS, description="Used where a start names no rounds."),
    ] = DEFAULT_ROUNDS
    agents: Annotated[
        list[ComposedAgent],
        Field(min_length=1, max_length=MAX_AGENTS, description="In the order in which they speak."),
    ]
    judge: Annotated[
        Judge | None, Field(description="null: nobody judges, and the last message is the result.")
    ] = Judge()


def parse(values: Any, known: Known) -> ComposedPanel:
    """The panel of this JSON. Raises InvalidInput with all broken rules; a field's name is its path, such as
    `agents.0.name`."""
    problems = [*_alike(values)]
    try:
        panel = ComposedPanel.model_validate(values, context=known)
    except ValidationError as failure:
        errors = failure.errors(include_url=False, include_input=False)[:MAX_PROBLEMS]
        found = zip(errors, requests.problems(errors), strict=True)
        problems = [*(replace(problem, field=_path(error["loc"])) for error, problem in found), *problems]
    if problems:
        raise InvalidInput(problems)
    return panel


def _path(location: Sequence[int | str]) -> str:
    return ".".join(map(str, location))[:MAX_PATH] or "body"


def _alike(values: Any) -> Iterator[Problem]:
    """A problem for each agent whose name looks like that of one before it."""
    agents = values.get("agents") if isinstance(values, dict) else None
    before: frozenset[str] = frozenset()
    for place, agent in enumerate(agents[:MAX_AGENTS] if isinstance(agents, list) else ()):
        name = agent.get("name") if isinstance(agent, dict) else None
        if isinstance(name, str):
            looks = names.look(name[:MAX_AGENT_NAME], is_numbered=True)
            if looks & before:
                yield Problem(f"agents.{place}.name", "duplicate", "Another agent's name looks the same.")
            before |= looks
