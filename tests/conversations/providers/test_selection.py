"""Provider selection: the order of the configured providers, and whether any real model may be called."""

from pytest_django import Settings

from conversations.domain.errors import ProviderError
from conversations.providers import circuit_breaker
from conversations.providers.catalog import by_preference, parse
from conversations.providers.circuit_breaker import live_is_down


def test_the_demo_stands_last_unless_it_is_placed(settings: Settings) -> None:
    settings.OUTCRY_DEMO_FALLBACK = True
    settings.OUTCRY_PROVIDERS = ["local", "openai:m"]
    assert [provider.label for provider in by_preference()] == ["local", "openai:m", "demo"]
    settings.OUTCRY_PROVIDERS = ["demo", "local"]
    assert [provider.label for provider in by_preference()] == ["demo", "local"]
    settings.OUTCRY_DEMO_FALLBACK, settings.OUTCRY_PROVIDERS = False, ["local"]
    assert [provider.label for provider in by_preference()] == ["local"]


async def test_real_models_are_down_when_none_may_be_asked(settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["openai:a", "openai:b", "demo"]
    down_error = ProviderError("provider_down", "It is down.", retryable=True)
    down = [live_is_down()]
    for entry in ("openai:a", "openai:b"):
        await circuit_breaker.failed(parse(entry), down_error)
        down.append(live_is_down())
    settings.OUTCRY_PROVIDERS = ["demo"]
    assert [*down, live_is_down()] == [False, False, True, False]
