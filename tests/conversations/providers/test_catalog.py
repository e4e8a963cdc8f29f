"""OUTCRY_PROVIDERS: every kind is read, every mistake is named, and a missing key is noticed before a debate."""

import pytest
from django.core.checks import Error, Warning
from pytest_django import Settings

from conversations.domain.enums import Mode
from conversations.domain.errors import ProviderError
from conversations.local_model.models import SMALL
from conversations.providers import catalog
from conversations.providers.catalog import Provider

READ = {
    "local": Provider("local", "SmolLM2-135M-Instruct"),
    "local:qwen2.5-coder-1.5b": Provider("local", "Qwen2.5-Coder-1.5B-Instruct"),
    "demo": Provider("demo", "scripted"),
    "openai:gpt-5-mini": Provider("openai", "gpt-5-mini"),
    "anthropic:claude-sonnet-4-5": Provider("anthropic", "claude-sonnet-4-5"),
    "gemini:gemini-2.5-flash": Provider("gemini", "gemini-2.5-flash"),
    "ollama:llama3.2:1b": Provider("ollama", "llama3.2:1b"),
    "openai-compatible:m@http://h:1/v1": Provider("openai-compatible", "m", "http://h:1/v1"),
    "openai-compatible:org/m@2@https://h/v1": Provider("openai-compatible", "org/m@2", "https://h/v1"),
}
WRONG = {
    "": "is not a provider",
    "gpt-5-mini": "'gpt-5-mini' is not a provider; use one of local, openai, anthropic, gemini, ollama,",
    "OpenAI:gpt-5-mini": "'OpenAI' is not a provider",
    "openai": "name a model, as openai:MODEL.",
    "openai:": "name a model, as openai:MODEL.",
    "anthropic": "name a model, as anthropic:MODEL.",
    "gemini": "name a model, as gemini:MODEL.",
    "ollama": "name a model, as ollama:MODEL.",
    "local:llama": "'local' takes no model, or 'qwen2.5-coder-1.5b'.",
    "demo:fast": "'demo' takes no model.",
    "openai-compatible": "write openai-compatible:MODEL@URL",
    "openai-compatible:m": "write openai-compatible:MODEL@URL",
    "openai-compatible:@http://h": "write openai-compatible:MODEL@URL",
    "openai-compatible:m@h:8000": "with a URL of http or https",
    "openai-compatible:m@ftp://h": "with a URL of http or https",
}


@pytest.mark.parametrize(("entry", "provider"), READ.items())
def test_an_entry_is_read(entry: str, provider: Provider) -> None:
    assert catalog.parse(entry) == provider


@pytest.mark.parametrize(("entry", "sentence"), WRONG.items())
def test_a_wrong_entry_is_quoted_with_what_is_wrong(entry: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="'") as refused:
        catalog.parse(entry)
    kind = entry.partition(":")[0]
    # Of an entry with a URL only its kind: the URL may hold a password.
    assert str(refused.value).startswith(repr(kind if kind == "openai-compatible" else entry))
    assert sentence in str(refused.value)


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="openai-compatible") as refused:
        catalog.parse("openai-compatible:m@http://me:secret@host/v1")
    assert "secret" not in str(refused.value)


def test_every_kind_can_be_read() -> None:
    assert {provider.kind for provider in READ.values()} == set(catalog.KINDS)


@pytest.mark.parametrize("provider", READ.values(), ids=READ.keys())
def test_only_the_demo_is_marked_as_one(provider: Provider) -> None:
    assert provider.mode is (Mode.DEMO if provider.kind == "demo" else Mode.LIVE)


def test_the_order_of_preference_is_kept(settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["ollama:b", "local", "openai:a"]
    assert [provider.kind for provider in catalog.configured()] == ["ollama", "local", "openai"]


# Keys


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("openai:m", "openai needs a key: set OPENAI_API_KEY."),
        ("anthropic:m", "anthropic needs a key: set ANTHROPIC_API_KEY."),
        ("gemini:m", "gemini needs a key: set GEMINI_API_KEY or GOOGLE_API_KEY."),
    ],
)
def test_a_missing_key_is_named(entry: str, sentence: str) -> None:
    with pytest.raises(ProviderError) as refused:
        catalog.require_key(catalog.parse(entry))
    assert (refused.value.reason, refused.value.message) == ("provider_not_configured", sentence)


@pytest.mark.parametrize(("kind", "names"), catalog.KEYS.items())
def test_each_usual_variable_holds_the_key(
    kind: str, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in names:
        with monkeypatch.context() as environment:
            environment.setenv(name, "test-key ")
            assert catalog.require_key(Provider(kind, "m", "http://h")) == "test-key"


@pytest.mark.parametrize("entry", ["local", "demo", "ollama:m"])
def test_some_kinds_need_no_key(entry: str) -> None:
    assert catalog.require_key(catalog.parse(entry)) is None


def test_a_compatible_server_gets_some_key() -> None:
    assert catalog.require_key(READ["openai-compatible:m@http://h:1/v1"])


# System checks


def test_a_right_setting_passes_the_checks(settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["openai-compatible:m@http://h/v1", "local", "demo"]
    assert catalog.check_providers() == []


@pytest.mark.parametrize("entries", [[], ["local", "chatgpt"]])
def test_a_wrong_setting_stops_the_start(settings: Settings, entries: list[str]) -> None:
    settings.OUTCRY_PROVIDERS = entries
    [found] = catalog.check_providers()
    assert isinstance(found, Error)
    assert (found.id, found.msg.startswith("OUTCRY_PROVIDERS is wrong: ")) == ("outcry.E001", True)


def test_a_missing_key_is_a_warning_with_a_hint(settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["local", "openai:m", "gemini:m"]
    found = catalog.check_providers()
    assert [(type(one), one.id, one.hint) for one in found] == [
        (Warning, "outcry.W001", "Set it in the environment or in .env.")
    ] * 2
    assert "OPENAI_API_KEY" in found[0].msg


# Limits of its own


@pytest.mark.parametrize(
    ("entry", "provider", "limits"),
    [
        ("openai:m?first_token=5", Provider("openai", "m"), (5, None)),
        ("local?stall=0.5&first_token=60", Provider("local", SMALL.name), (60, 0.5)),
        (
            "openai-compatible:m@http://h/v1?version=2&stall=9&key=k",
            Provider("openai-compatible", "m", "http://h/v1?version=2&key=k"),
            (None, 9),
        ),
    ],
)
def test_limits_may_stand_behind_a_provider(
    entry: str, provider: Provider, limits: tuple[float | None, float | None]
) -> None:
    found = catalog.parse(entry)
    assert (found, (found.first_token, found.stall)) == (provider, limits)


@pytest.mark.parametrize("value", ["", "soon", "0", "-1", "4000", "nan", "inf"])
def test_a_limit_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=f"first_token='{value}': use seconds from 0.1 to 3600"):
        catalog.parse(f"openai:m?first_token={value}")


def test_an_unknown_limit_is_refused() -> None:
    with pytest.raises(
        ValueError, match="behind the question mark only first_token, stall and window may stand"
    ):
        catalog.parse("openai:m?patience=5")


@pytest.mark.parametrize(
    ("entry", "label"),
    [
        ("openai:gpt-5-mini?stall=3", "openai:gpt-5-mini"),
        ("local", "local"),
        ("demo", "demo"),
        ("openai-compatible:m@http://h:1/v1", "openai-compatible:m"),
    ],
)
def test_people_see_a_provider_by_its_label(entry: str, label: str) -> None:
    assert catalog.parse(entry).label == label


def test_two_local_models_are_refused(settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["local", "openai:gpt-5-mini", "local:qwen2.5-coder-1.5b"]
    (error,) = catalog.check_providers()
    assert error.msg == "OUTCRY_PROVIDERS is wrong: name one local model, not two."
