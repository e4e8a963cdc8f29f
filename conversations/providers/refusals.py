"""Which parameter of a request a server refused, and what each provider has refused before."""

import re
import time
from collections import OrderedDict
from typing import Final

from conversations.providers.catalog import Provider
from conversations.providers.request_form import Parameter, RequestForm

# Statuses with which servers refuse a parameter. With 404 and 501 only one that they name.
UNNAMED_STATUSES: Final = frozenset({400, 422})
NAMED_STATUSES: Final = UNNAMED_STATUSES | {404, 501}
# One hour: the server may have loaded another model.
REMEMBERED_SECONDS: Final = 3_600
# A minute in which a provider whose refusal no parameter explained is not asked in other forms again.
UNEXPLAINED_SECONDS: Final = 60
# Ten minutes until tools are offered again: the server may have loaded another model.
WITHOUT_TOOLS_SECONDS: Final = 600
# Providers come from the settings; this is more than any installation has.
MAX_PROVIDERS: Final = 256
# Characters of a refusal that are searched. Some servers send the whole request back.
MAX_TEXT: Final = 4_000

_STREAM: Final = re.compile(r"\b(?:non-?)?stream(?:ed|ing)?\b")
# Words of refusals; the first one in the text tells.
_NAMES: Final = (
    (re.compile(r"stream_options|include_usage"), (Parameter.STREAM_OPTIONS,)),
    (re.compile(r"\btemperature\b"), (Parameter.TEMPERATURE,)),
    (
        re.compile(r"max_(?:completion_|output_)?tokens|maxoutputtokens|num_predict"),
        (Parameter.LIMIT, Parameter.OTHER_LIMIT),
    ),
    (
        re.compile(
            r"response_?format|output_config|output_format|json_(?:schema|object)|json mode|structured output"
            r"|response_?(?:json_?)?schema|response_?mime_?type|\bschema\b|\bgrammar\b|\bformat\b"
        ),
        (Parameter.JSON_SCHEMA, Parameter.JSON_OBJECT),
    ),
    (
        re.compile(r"\bsystem[ _-]?(?:role|message|prompt|instruction)|developer instruction|\broles?\b"),
        (Parameter.SYSTEM_ROLE,),
    ),
    (_STREAM, (Parameter.STREAMED_FORM, Parameter.STREAMED)),
)


def named(text: str, form: RequestForm) -> Parameter | None:
    """The parameter of the request that a refusal names; None if it names none."""
    text = text[:MAX_TEXT].lower()
    carried = set(form.carried())
    if Parameter.STREAMED_FORM in carried and _STREAM.search(text):
        # Some servers have no schema in a stream, and name the schema first. It is worth more than the stream.
        return Parameter.STREAMED_FORM
    found: list[tuple[int, Parameter]] = []
    for words, parameters in _NAMES:
        parameter = next((each for each in parameters if each in carried), None)
        if parameter is not None and (match := words.search(text)):
            found.append((match.start(), parameter))
    return min(found, default=(0, None))[1]


class _Memory:
    """Monotonic times until which something is remembered of a provider; the oldest providers are forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[Provider, dict[Parameter | None, float]] = OrderedDict()

    def of(self, provider: Provider) -> frozenset[Parameter | None]:
        now = time.monotonic()
        return frozenset(what for what, until in self._known.get(provider, {}).items() if now < until)

    def add(self, provider: Provider, what: Parameter | None, seconds: float) -> None:
        self._known.setdefault(provider, {})[what] = time.monotonic() + seconds
        self._known.move_to_end(provider)
        if len(self._known) > MAX_PROVIDERS:
            self._known.popitem(last=False)

    def clear(self) -> None:
        self._known.clear()


_memory = _Memory()
_without_tools = _Memory()


def known(provider: Provider) -> frozenset[Parameter]:
    """What the provider has refused in this process within the last hour."""
    return frozenset(what for what in _memory.of(provider) if what is not None)


def remember(provider: Provider, parameter: Parameter) -> None:
    _memory.add(provider, parameter, REMEMBERED_SECONDS)


def is_unexplained(provider: Provider) -> bool:
    """Whether the provider has just refused a request in every form."""
    return None in _memory.of(provider)


def remember_unexplained(provider: Provider) -> None:
    _memory.add(provider, None, UNEXPLAINED_SECONDS)


def takes_tools(provider: Provider) -> bool:
    """Whether the provider's model may be offered tools."""
    return not _without_tools.of(provider)


def remember_without_tools(provider: Provider) -> None:
    """The provider's model rejected a request because of tools."""
    _without_tools.add(provider, None, WITHOUT_TOOLS_SECONDS)


def forget() -> None:
    """Forget all providers."""
    _memory.clear()
    _without_tools.clear()
