"""The parameters of a request that a server may refuse, and the form of a request without those it refused.

The answer comes without any of them, too: what is lost is the count of tokens, a limit, a guarantee of JSON, a role or
the wanted pace.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from typing import Final

from conversations.providers.catalog import Provider

# The kinds that speak OpenAI's chat format.
CHAT_KINDS: Final = frozenset({"openai", "openai-compatible", "local"})


class Parameter(StrEnum):
    """What can be left out of a request. LIMIT is the maximum tokens by the usual name, OTHER_LIMIT by the other one.
    STREAMED is a stream as such, STREAMED_FORM one of a structured answer."""

    STREAM_OPTIONS = auto()
    TEMPERATURE = auto()
    LIMIT = auto()
    OTHER_LIMIT = auto()
    JSON_SCHEMA = auto()
    JSON_OBJECT = auto()
    SYSTEM_ROLE = auto()
    STREAMED = auto()
    STREAMED_FORM = auto()


@dataclass(frozen=True)
class RequestForm:
    """The form of a request. `has_schema`: the answer is a structured one. `temperature` is the one that the agent is
    to speak with; None for the model's own."""

    provider: Provider
    has_schema: bool
    refused: frozenset[Parameter] = frozenset()
    temperature: float | None = None

    def without(self, parameter: Parameter) -> "RequestForm":
        return replace(self, refused=self.refused | {parameter})

    @property
    def sent_temperature(self) -> float | None:
        """The temperature in the request; None if it has none. Anthropic's models take at most 1."""
        if self.temperature is None or Parameter.TEMPERATURE in self.refused:
            return None
        return min(self.temperature, 1.0) if self.provider.kind == "anthropic" else self.temperature

    @property
    def is_streamed(self) -> bool:
        """Whether the server is asked for a stream, which shows that the model is alive."""
        needed = {Parameter.STREAMED, Parameter.STREAMED_FORM} if self.has_schema else {Parameter.STREAMED}
        return self.refused.isdisjoint(needed)

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
        if self.sent_temperature is not None:
            yield Parameter.TEMPERATURE
        is_chat = self.provider.kind in CHAT_KINDS
        # Anthropic requires a limit.
        if self.sends_limit and self.provider.kind != "anthropic":
            yield Parameter.LIMIT
        if is_chat and Parameter.OTHER_LIMIT not in self.refused:
            yield Parameter.OTHER_LIMIT
        if self.has_schema and self.is_streamed:
            yield Parameter.STREAMED_FORM
        if self.sends_schema:
            yield Parameter.JSON_SCHEMA
        if self.has_schema and is_chat and Parameter.JSON_OBJECT not in self.refused:
            yield Parameter.JSON_OBJECT
        if self.sends_system_role:
            yield Parameter.SYSTEM_ROLE
        if self.is_streamed and not self.has_schema:
            yield Parameter.STREAMED
