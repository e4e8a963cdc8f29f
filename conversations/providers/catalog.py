"""The providers of models in `OUTCRY_PROVIDERS`.

A provider is written KIND or KIND:MODEL: `local`, `local:qwen2.5-coder-1.5b`, `openai:gpt-5-mini`,
`anthropic:claude-sonnet-4-5`, `gemini:gemini-2.5-flash`, `ollama:llama3.2`, `openai-compatible:MODEL@URL`, `demo`. Its
own limits may follow a question mark: `openai:gpt-5-mini?first_token=5&stall=10`, in seconds, and
`ollama:llama3.2?window=8192`, in tokens.
"""

import hashlib
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from conversations.domain.enums import Mode
from conversations.domain.errors import ProviderError
from conversations.local_model import models

OLLAMA_URL: Final = "http://127.0.0.1:11434"

# The environment variables with each kind's key; the first one that is set is used.
KEYS: Final = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "openai-compatible": ("OPENAI_API_KEY",),
}
KINDS: Final = ("local", "openai", "anthropic", "gemini", "ollama", "openai-compatible", "demo")
# Kinds that Outcry itself runs: they have no model's name, and cost nothing.
BUILT_IN: Final = frozenset({"local", "demo"})
# Kinds whose models are only for trying Outcry: what they say supports no stance.
TEST_KINDS: Final = frozenset({"local"})
_LIMITS: Final = frozenset({"first_token", "stall", "window"})
MIN_WINDOW: Final = 2_000


@dataclass(frozen=True)
class Provider:
    """One entry of OUTCRY_PROVIDERS. `url` is None if the kind has a fixed one. `first_token` and `stall` limit the
    silence before and within an answer, in seconds; None for the general settings. `window` is the model's context
    window in tokens; None for the published one, if there is any."""

    kind: str
    model: str
    url: str | None = None
    first_token: float | None = field(default=None, compare=False)
    stall: float | None = field(default=None, compare=False)
    window: int | None = field(default=None, compare=False)

    @property
    def mode(self) -> Mode:
        return Mode.DEMO if self.kind == "demo" else Mode.LIVE

    @property
    def label(self) -> str:
        """The name that people see, without the URL, which may hold a password."""
        if self.model == models.CODER.name and self.kind == "local":
            return f"{self.kind}:{models.CODER.entry}"
        return self.kind if self.kind in BUILT_IN else f"{self.kind}:{self.model}"

    @property
    def key(self) -> str:
        """An identifier that is the same in every process and does not reveal the URL."""
        return hashlib.sha256(f"{self.kind}\n{self.model}\n{self.url}".encode()).hexdigest()[:32]


DEMO: Final = Provider("demo", "scripted")


def parse(entry: str) -> Provider:
    """Read one entry. Raises ValueError with a sentence about what is wrong with it."""
    named, limits = _without_limits(entry)
    return replace(_named(named), **limits)


def _without_limits(entry: str) -> tuple[str, dict[str, Any]]:
    """The entry without its limits, and the limits. Other options after the question mark belong to the URL."""
    named, mark, options = entry.partition("?")
    if not mark:
        return entry, {}
    limits: dict[str, Any] = {}
    others = []
    for option in options.split("&"):
        name, _, value = option.partition("=")
        if name in _LIMITS:
            limits[name] = _window(value) if name == "window" else _seconds(name, value)
        else:
            others.append(option)
    return f"{named}?{'&'.join(others)}" if others else named, limits


def _window(value: str) -> int:
    if not re.fullmatch(r"[0-9]{4,8}", value) or int(value) < MIN_WINDOW:
        raise ValueError(f"window={value!r}: use a number of tokens from {MIN_WINDOW} to 99999999.")
    return int(value)


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0.1 <= seconds <= 3600:
        raise ValueError(f"{name}={value!r}: use seconds from 0.1 to 3600.")
    return seconds


def _named(entry: str) -> Provider:
    kind, _, model = entry.partition(":")
    if kind not in KINDS:
        raise ValueError(f"{entry!r}: {kind!r} is not a provider; use one of {', '.join(KINDS)}.")
    if kind == "local":
        if model not in models.BY_ENTRY:
            raise ValueError(f"{entry!r}: {kind!r} takes no model, or {models.CODER.entry!r}.")
        return Provider(kind, models.BY_ENTRY[model].name)
    if kind == "demo":
        if model:
            raise ValueError(f"{entry!r}: {kind!r} takes no model.")
        return DEMO
    if kind == "openai-compatible":
        model, at, url = model.rpartition("@")
        if not (model and at and url.startswith(("http://", "https://"))):
            # Do not repeat the entry, because a URL may hold a password.
            raise ValueError(f"{kind!r}: write openai-compatible:MODEL@URL, with a URL of http or https.")
        return Provider(kind, model, url)
    if not model:
        raise ValueError(f"{entry!r}: name a model, as {kind}:MODEL.")
    if "?" in model:
        *limits, last = sorted(_LIMITS)
        raise ValueError(
            f"{entry!r}: behind the question mark only {', '.join(limits)} and {last} may stand."
        )
    return Provider(kind, model)


def configured() -> Sequence[Provider]:
    """OUTCRY_PROVIDERS, in order of preference. Raises ValueError."""
    if not settings.OUTCRY_PROVIDERS:
        raise ValueError("name at least one provider.")
    providers = [parse(entry) for entry in settings.OUTCRY_PROVIDERS]
    if len({provider.model for provider in providers if provider.kind == "local"}) > 1:
        raise ValueError("name one local model, not two.")
    return providers


def by_preference() -> Sequence[Provider]:
    """The providers in the order in which a turn tries them, the demo as the last resort. Raises ValueError."""
    providers = configured()
    if settings.OUTCRY_DEMO_FALLBACK and DEMO not in providers:
        return [*providers, DEMO]
    return providers


def live() -> Sequence[Provider]:
    """The live providers, in the same order."""
    return [provider for provider in configured() if provider.mode is Mode.LIVE]


def preferred(label: str | None, providers: Sequence[Provider]) -> Sequence[Provider]:
    """The providers, the first one with this label before all others; as they are if none has it."""
    named = next((provider for provider in providers if provider.label == label), None)
    return providers if named is None else [named, *(each for each in providers if each != named)]


def require_key(provider: Provider) -> str | None:
    """The provider's key from its usual variable; None for kinds that need none. Raises ProviderError."""
    names = KEYS.get(provider.kind)
    if names is None:
        return None
    value = next((value for name in names if (value := os.environ.get(name, "").strip())), None)
    if value is None and provider.kind == "openai-compatible":
        # The library requires a key, though many such servers need none.
        return "none"
    if value is None:
        raise ProviderError(
            "provider_not_configured",
            f"{provider.kind} needs a key: set {' or '.join(names)}.",
            retryable=False,
        )
    return value


@register()
def check_providers(**_: Any) -> list[CheckMessage]:
    """OUTCRY_PROVIDERS must be readable, and its keys should be there."""
    try:
        providers = configured()
    except ValueError as failure:
        return [Error(f"OUTCRY_PROVIDERS is wrong: {failure}", id="outcry.E001")]
    found: list[CheckMessage] = []
    for provider in providers:
        try:
            require_key(provider)
        except ProviderError as failure:
            found.append(
                Warning(failure.message, hint="Set it in the environment or in .env.", id="outcry.W001")
            )
    return found


@register()
def check_prices(**_: Any) -> list[CheckMessage]:
    """OUTCRY_PRICES must name models as OUTCRY_PROVIDERS does."""
    paid = [kind for kind in KINDS if kind not in BUILT_IN]
    return [
        Error(
            f"OUTCRY_PRICES is wrong: {name!r} is not KIND:MODEL, with one of {', '.join(paid)} as kind.",
            id="outcry.E002",
        )
        for name in settings.OUTCRY_PRICES
        if not _is_model_of(paid, name)
    ]


def _is_model_of(kinds: Sequence[str], name: str) -> bool:
    kind, _, model = name.partition(":")
    return kind in kinds and model != "" and "@" not in model


def longest_answer(provider: Provider, sampling: Mapping[str, Any]) -> int:
    """The maximum tokens of an answer. `sampling` are the local model's options."""
    most: int = settings.OUTCRY_MAX_ANSWER_TOKENS
    return min(most, sampling.get("max_tokens", most)) if provider.kind == "local" else most


def uses_local_model() -> bool:
    """Whether the local model is one of the providers."""
    return any(provider.kind == "local" for provider in configured())
