"""Settings: a wrong value stops the start with a sentence that names the setting, and every setting is explained."""

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env import parsing
from tests.support.servers import ROOT, setting_names
from tests.support.settings import read


def test_a_value_loses_its_surrounding_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SETTING", "  text ")
    assert parsing.text("SOME_SETTING", "default") == "text"


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SOME_SETTING", value)
    assert parsing.text("SOME_SETTING", "default") == "default"
    assert parsing.words("SOME_SETTING", "a,b") == ["a", "b"]
    assert parsing.flag("SOME_SETTING", default=True) is True
    assert parsing.whole("SOME_SETTING", 3) == 3


def test_a_list_is_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SETTING", " a, b ,,c,")
    assert parsing.words("SOME_SETTING") == ["a", "b", "c"]


def test_a_number_without_a_default_may_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SETTING", " ")
    assert parsing.whole("SOME_SETTING", None) is None
    assert parsing.number("SOME_SETTING", None, least=1) is None
    monkeypatch.setenv("SOME_SETTING", "2")
    assert parsing.whole("SOME_SETTING", None) == 2


@pytest.mark.parametrize("value", ["1/second", "30/minute", "500/hour", "9/day"])
def test_a_rate_is_so_many_in_a_time(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SOME_SETTING", value)
    assert parsing.rate("SOME_SETTING", "30/minute") == value


@pytest.mark.parametrize("value", ["30", "0/minute", "-1/day", "1.5/hour", "30/week", "30/minutes", "x/day"])
def test_a_rate_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SOME_SETTING", value)
    with pytest.raises(ImproperlyConfigured) as refused:
        parsing.rate("SOME_SETTING", "30/minute")
    assert str(refused.value) == (
        f"Unexpected value SOME_SETTING={value!r}, use NUMBER/second, /minute, /hour or /day, such as 30/minute."
    )


@pytest.mark.parametrize(
    ("value", "meant"), [("true", True), ("True", True), ("FALSE", False), ("false", False)]
)
def test_a_flag_is_true_or_false(monkeypatch: pytest.MonkeyPatch, value: str, meant: bool) -> None:
    monkeypatch.setenv("SOME_SETTING", value)
    assert parsing.flag("SOME_SETTING", default=not meant) is meant


@pytest.mark.parametrize("value", ["yes", "1", "0", "on", "truee"])
def test_a_flag_that_is_neither_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SOME_SETTING", value)
    with pytest.raises(ImproperlyConfigured) as refused:
        parsing.flag("SOME_SETTING", default=False)
    assert str(refused.value) == f"Unexpected value SOME_SETTING={value!r}, use 'true' or 'false'."


@pytest.mark.parametrize("value", ["x", "1.5", "0", "-3", "1e3", "nan"])
def test_a_wrong_whole_number_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SOME_SETTING", value)
    with pytest.raises(ImproperlyConfigured) as refused:
        parsing.whole("SOME_SETTING", 5, least=1)
    assert str(refused.value) == f"Unexpected value SOME_SETTING={value!r}, use a whole number of at least 1."


@pytest.mark.parametrize("value", ["x", "0.05", "-1", "nan", "inf", "1,5"])
def test_a_wrong_number_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SOME_SETTING", value)
    with pytest.raises(ImproperlyConfigured) as refused:
        parsing.number("SOME_SETTING", 5, least=0.1)
    assert str(refused.value) == f"Unexpected value SOME_SETTING={value!r}, use a number of at least 0.1."


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"OUTCRY_MAX_RUNNING_PER_USER": "many"}, "Unexpected value OUTCRY_MAX_RUNNING_PER_USER='many'"),
        ({"OUTCRY_MAX_USD_PER_DAY": "0"}, "OUTCRY_MAX_USD_PER_DAY='0', use a number of at least 0.0001."),
        ({"OUTCRY_MAX_USD_PER_USER_DAY": "inf"}, "OUTCRY_MAX_USD_PER_USER_DAY='inf', use a number"),
        (
            {"OUTCRY_MAX_TOKENS_PER_CONVERSATION": "1e6"},
            "OUTCRY_MAX_TOKENS_PER_CONVERSATION='1e6', use a whole",
        ),
        (
            {"OUTCRY_MAX_SECONDS_PER_CONVERSATION": "0"},
            "OUTCRY_MAX_SECONDS_PER_CONVERSATION='0', use a whole",
        ),
        ({"OUTCRY_START_RATE": "30"}, "OUTCRY_START_RATE='30', use NUMBER/second, /minute, /hour or /day"),
        ({"OUTCRY_CONTROL_RATE": "0/minute"}, "OUTCRY_CONTROL_RATE='0/minute', use NUMBER/second"),
        (
            {"OUTCRY_LEASE_HEARTBEAT_SECONDS": "6"},
            "OUTCRY_LEASE_HEARTBEAT_SECONDS=6, use at most a third of OUTCRY_LEASE_SECONDS, which is 15.",
        ),
        ({"OUTCRY_DATABASE_PATIENCE_SECONDS": "-1"}, "OUTCRY_DATABASE_PATIENCE_SECONDS='-1', use a number"),
        ({"OUTCRY_HTTPS": "true"}, "SECRET_KEY is not set, and OUTCRY_HTTPS=true needs it"),
        ({"ACCOUNT_EMAIL_VERIFICATION": "maybe"}, "Unexpected value ACCOUNT_EMAIL_VERIFICATION='maybe'"),
        ({"DATABASE_URL": "not a database"}, "DATABASE_URL"),
        ({"OUTCRY_LOG_FORMAT": "xml"}, "OUTCRY_LOG_FORMAT"),
        ({"OUTCRY_LOG_LEVEL": "loud"}, "OUTCRY_LOG_LEVEL"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_wrong_value_stops_the_settings_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(sentence)):
        read(monkeypatch, tmp_path, changed)


def test_secret_key_is_made_once_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, again = (read(monkeypatch, tmp_path, {}).SECRET_KEY for _ in range(2))
    assert again == first
    assert len(first) >= 50
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0


def test_example_explains_every_setting() -> None:
    explained = re.findall(
        r"^#?\s?([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(set(setting_names()) - set(explained)) == []
