"""What can go wrong, for callers to tell apart.

OutcryError                 code, and a sentence fit for a person
|-- InvalidInput            values break rules
|-- LimitReached            there is as much of it as is allowed
|-- NotFound                unknown, or not theirs: nobody is told which
|-- Forbidden               they may watch it, and may not do this
|-- Finished                it has ended: nothing is done to it any more
|-- Conflict                at odds with what stands in the log
|-- Fenced                  this run lost the conversation to another
|-- LogUnavailable          the log could not be written
`-- ProviderError           a model did not answer properly
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class OutcryError(Exception):
    """An expected failure. `code` is stable; `message` is a sentence for a person."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Problem:
    """One broken rule. `field` names the value as the caller does; `rule` is stable."""

    field: str
    rule: str
    message: str


class InvalidInput(OutcryError):
    """Some values break rules; nothing was stored."""

    code = "invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(f"{problem.field}: {problem.message}" for problem in problems))
        self.problems = problems


class LimitReached(OutcryError):
    """As many debates run, or as much was said to one, as is allowed."""

    code = "limit_reached"


class NotFound(OutcryError):
    """There is no such conversation for this person."""

    code = "not_found"


class Forbidden(OutcryError):
    """The person may watch the conversation, and may not do this to it."""

    code = "forbidden"


class Finished(OutcryError):
    """The conversation has ended, with `status`; nothing was stored."""

    code = "finished"

    def __init__(self, message: str, status: str) -> None:
        super().__init__(message)
        self.status = status


class Conflict(OutcryError):
    """At odds with what is stored: a question that is open no more, or a key that was used for something else.
    Nothing was stored; `status` is the conversation's."""

    code = "conflict"

    def __init__(self, message: str, status: str) -> None:
        super().__init__(message)
        self.status = status


class Fenced(OutcryError):
    """Another run owns the conversation; the append stored nothing."""

    code = "fenced"


class LogUnavailable(OutcryError):
    """The database refused the append; nothing of it was stored."""

    code = "log_unavailable"


class ProviderError(OutcryError):
    """A model's provider failed. `reason` is one of the codes in `providers`."""

    code = "provider_failed"

    def __init__(self, reason: str, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.reason = reason
        self.retryable = retryable
