"""The parameters of a request that a server may refuse, and the form of a request without those it refused.

The answer comes without any of them, too: what is lost is the count of tokens, a limit, a guarantee of JSON, a role or
the wanted pace.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Final

from conversations.providers.catalog import Provider

# The kinds that speak OpenAI's chat format.
CHAT_KINDS: Final = frozenset({"openai", "openai-compatible", "local"})


class Parameter(StrEnum):
    """What can be left out of a request. LIMIT is the maximum tokens by the usual name, OTHER_LIMIT by the other one.
    STREAMED and WHOLE are the two ways in which an answer may be wanted."""

    STREAM_OPTIONS = auto()
    LIMIT = auto()
    OTHER_LIMIT = auto()
    JSON_SCHEMA = auto()
    JSON_OBJECT = auto()
    SYSTEM_ROLE = auto()
    STREAMED = auto()
    WHOLE = auto()


@dataclass(frozen=True)
class RequestForm:
    """The form of a request. `is_wanted_streamed`: the reader wants the answer token by token."""

    provider: Provider
    is_wanted_streamed: bool
    has_schema: bool
    refused: frozenset[Parameter] = frozenset()

    def without(self, parameter: Parameter) -> "RequestForm":
        return RequestForm(
            self.provider, self.is_wanted_streamed, self.has_schema, self.refused | {parameter}
        )

    @property
    def is_streamed(self) -> bool:
        """Whether the server is asked for a stream."""
        if self.is_wanted_streamed:
            return Parameter.STREAMED not in self.refused
        return Parameter.WHOLE in self.refused

    @property
    def limit_name(self) -> str | None:
        """The name under which the chat format's maximum tokens are sent; None if they are not."""
        names = ["max_tokens", "max_completion_tokens"]
        if self.provider.kind == "openai":
            names.reverse()
        for name, parameter in zip(names, (Parameter.LIMIT, Parameter.OTHER_LIMIT), strict=True):
            if parameter not in self.refused:
                return name
        return None

    @property
    def sends_limit(self) -> bool:
        return Parameter.LIMIT not in self.refused

    @property
    def sends_schema(self) -> bool:
        return self.has_schema and Parameter.JSON_SCHEMA not in self.refused

    @property
    def sends_json_object(self) -> bool:
        """Whether the chat format's request for any JSON object replaces the schema."""
        return (
            self.has_schema
            and self.provider.kind in CHAT_KINDS
            and Parameter.JSON_SCHEMA in self.refused
            and Parameter.JSON_OBJECT not in self.refused
        )

    @property
    def sends_stream_options(self) -> bool:
        is_chat = self.provider.kind in CHAT_KINDS
        return is_chat and self.is_streamed and Parameter.STREAM_OPTIONS not in self.refused

    @property
    def sends_system_role(self) -> bool:
        return Parameter.SYSTEM_ROLE not in self.refused

    def carried(self) -> Iterator[Parameter]:
        """What can still be left out; first what is missed least."""
        if self.sends_stream_options:
            yield Parameter.STREAM_OPTIONS
        is_chat = self.provider.kind in CHAT_KINDS
        # Anthropic requires a limit.
        if self.sends_limit and self.provider.kind != "anthropic":
            yield Parameter.LIMIT
        if is_chat and Parameter.OTHER_LIMIT not in self.refused:
            yield Parameter.OTHER_LIMIT
        if self.sends_schema:
            yield Parameter.JSON_SCHEMA
        if self.has_schema and is_chat and Parameter.JSON_OBJECT not in self.refused:
            yield Parameter.JSON_OBJECT
        if self.sends_system_role:
            yield Parameter.SYSTEM_ROLE
        if self.is_wanted_streamed == self.is_streamed:
            yield Parameter.STREAMED if self.is_streamed else Parameter.WHOLE
