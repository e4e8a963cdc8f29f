"""Which models speak: `OUTCRY_PROVIDERS`, read and turned into AG2 configurations.

A provider is written KIND or KIND:MODEL: `local`, `openai:gpt-5-mini`, `anthropic:claude-sonnet-4-5`,
`gemini:gemini-2.5-flash`, `ollama:llama3.2`, `openai-compatible:MODEL@URL`, `demo`.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from conversations.errors import ProviderError
from conversations.events import Mode

LOCAL_NAME: Final = "SmolLM2-135M-Instruct"

# Where each kind's key is read from; the first that is set counts.
KEYS: Final = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "openai-compatible": ("OPENAI_API_KEY",),
}
KINDS: Final = ("local", "openai", "anthropic", "gemini", "ollama", "openai-compatible", "demo")


@dataclass(frozen=True)
class Provider:
    """One entry of OUTCRY_PROVIDERS. `url` is None where the kind has its own."""

    kind: str
    model: str
    url: str | None = None

    @property
    def mode(self) -> Mode:
        return Mode.DEMO if self.kind == "demo" else Mode.LIVE


def parse(entry: str) -> Provider:
    """Raises ValueError, with a sentence that says what is wrong with the entry."""
    kind, _, model = entry.partition(":")
    if kind not in KINDS:
        raise ValueError(f"{entry!r}: {kind!r} is not a provider; use one of {', '.join(KINDS)}.")
    if kind in {"local", "demo"}:
        if model:
            raise ValueError(f"{entry!r}: {kind!r} takes no model.")
        return Provider(kind, LOCAL_NAME if kind == "local" else "scripted")
    if kind == "openai-compatible":
        model, at, url = model.rpartition("@")
        if not (model and at and url.startswith(("http://", "https://"))):
            # Not the entry itself: a URL may hold a password.
            raise ValueError(f"{kind!r}: write openai-compatible:MODEL@URL, with a URL of http or https.")
        return Provider(kind, model, url)
    if not model:
        raise ValueError(f"{entry!r}: name a model, as {kind}:MODEL.")
    return Provider(kind, model)


def configured() -> Sequence[Provider]:
    """OUTCRY_PROVIDERS, in order of preference; the first one speaks. Raises ValueError."""
    if not settings.OUTCRY_PROVIDERS:
        raise ValueError("name at least one provider.")
    return [parse(entry) for entry in settings.OUTCRY_PROVIDERS]


def require_key(provider: Provider) -> str | None:
    """The provider's key from its usual variable; None for kinds that need none. Raises ProviderError."""
    names = KEYS.get(provider.kind)
    if names is None:
        return None
    value = next((value for name in names if (value := os.environ.get(name, "").strip())), None)
    if value is None and provider.kind == "openai-compatible":
        # Many such servers take any key, and the library insists on one.
        return "none"
    if value is None:
        raise ProviderError(
            "provider_not_configured",
            f"{provider.kind} needs a key: set {' or '.join(names)}.",
            retryable=False,
        )
    return value
