"""Cleaning of log lines: texts of other programs, such as a provider's error, may hold control characters, forged lines
and the keys that we have sent.

1. Secrets are replaced: those of this process's environment, and all that have the form of an API key.
2. Control characters are escaped, so that a value is one line, commands no terminal, and turns no direction of text.
3. Each line of a traceback is indented, so that none looks like a line of the log.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from config.env.stores import passwords

REDACTED: Final = "[redacted]"
# A shorter value may be a part of ordinary words.
MIN_SECRET: Final = 8
INDENT: Final = "    "
# OpenAI's and others' keys, Google's, Outcry's own, and whatever is sent as a bearer token.
_KEYS: Final = re.compile(
    r"\bsk-[A-Za-z0-9_-]{8,}|\bAIza[A-Za-z0-9_-]{20,}|\boc_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{20,}"
    r"|(?i:(?<=\bbearer )[A-Z0-9._~+/=-]{8,})"
)
# The ends of their names.
_SECRET_NAMES: Final = ("_KEY", "SECRET", "TOKEN", "PASSWORD", "_HEADERS")
# Unicode's ends of lines; and its marks, embeddings, overrides and isolates of a direction.
_SEPARATORS: Final = (0x2028, 0x2029)
_DIRECTIONS: Final = (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ESCAPED: Final[Mapping[int, str]] = (
    {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) != "\t"}
    | {code: f"\\u{code:04x}" for code in (*_SEPARATORS, *_DIRECTIONS)}
    | {10: "\\n", 13: "\\r"}
)
# Keys of a line whose texts have several lines of our own making.
_MULTILINE: Final = frozenset({"exception", "stack"})


def secrets(environment: Mapping[str, str]) -> list[str]:
    """The secrets in environment variables, by their names and in URLs, the longest first."""
    values = set()
    for name, value in environment.items():
        if name.upper().endswith(_SECRET_NAMES):
            values.add(value.strip())
        elif "URL" in name.upper():
            values |= passwords(value.split(","))
    return sorted((value for value in values if len(value) >= MIN_SECRET), key=len, reverse=True)


class Clean:
    """A structlog processor that cleans every text of a line."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = [*secrets]

    def __call__(self, _logger: Any, _method: str, line: Any) -> Any:
        return {
            self._cleaned(key): self._traceback(value) if key in _MULTILINE else self._cleaned(value)
            for key, value in line.items()
        }

    def _cleaned(self, value: Any) -> Any:
        match value:
            case str():
                return self._without_secrets(value).translate(_ESCAPED)
            case dict():
                return {self._cleaned(key): self._cleaned(item) for key, item in value.items()}
            case list() | tuple():
                return [self._cleaned(item) for item in value]
            case None | bool() | int() | float():
                return value
        return self._cleaned(str(value))

    def _traceback(self, value: Any) -> str:
        lines = self._without_secrets(str(value)).split("\n")
        return "\n".join(INDENT + line.translate(_ESCAPED) for line in lines)

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return _KEYS.sub(REDACTED, text)
