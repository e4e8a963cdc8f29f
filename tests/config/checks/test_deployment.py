"""Settings that are wrong: the setting and the mend are named, no password is shown, and nothing starts."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db.utils import ConnectionHandler

from config.checks import deployment, stores
from config.env import stores as addresses
from config.process import preflight
from config.process.lifespan import lifespan
from scripts.ports import free_port
from tests.support.settings import MANAGE, SECRET_KEY, read, run

SECRET = "Passwort1"
PRODUCTION = {
    "OUTCRY_HTTPS": "true",
    "OUTCRY_BEHIND_PROXY": "true",
    "SECRET_KEY": SECRET_KEY,
    "ALLOWED_HOSTS": "outcry.example",
    "OUTCRY_SITE_URL": "https://outcry.example",
    "EMAIL_URL": "smtp+tls://outcry:secret@mail.example:587",
}
# Nothing listens there.
NOBODY = "127.0.0.1:9"

Reading = Callable[..., SimpleNamespace]


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Reading:
    """Settings as read from these variables; the checks look at them from then on."""

    def read_again(changed: Mapping[str, str], folder: Path = tmp_path) -> SimpleNamespace:
        found = read(monkeypatch, folder, changed)
        for module in (deployment, stores):
            monkeypatch.setattr(module, "settings", found)
        return found

    return read_again


def deployment_checks() -> Sequence[CheckMessage]:
    return [
        message
        for check in (
            deployment.check_several_processes,
            deployment.check_secret_key,
            deployment.check_production,
            deployment.check_site_url,
            deployment.check_proxies,
            deployment.check_deployment,
        )
        for message in check()
    ]


# Settings that do not go together


@pytest.mark.parametrize(
    ("changed", "number", "hint"),
    [
        (
            {"OUTCRY_RUNNER": "worker", "DATABASE_URL": f"postgresql://u:{SECRET}@{NOBODY}/n"},
            "outcry.E110",
            "Set REDIS_URL",
        ),
        (
            {"OUTCRY_RUNNER": "worker", "REDIS_URL": f"redis://:{SECRET}@{NOBODY}/0"},
            "outcry.E111",
            "Set DATABASE_URL to postgresql://",
        ),
        ({"OUTCRY_CHANNEL_REDIS_URLS": f"redis://:{SECRET}@{NOBODY}/0"}, "outcry.E112", "Set REDIS_URL"),
        ({**PRODUCTION, "DEBUG": "true"}, "outcry.E113", "set DEBUG=false"),
        ({"SECRET_KEY": SECRET}, "outcry.E114", "token_urlsafe(50)"),
        ({"SECRET_KEY": SECRET[:1] * 60}, "outcry.E114", "token_urlsafe(50)"),
        (
            {**PRODUCTION, "ALLOWED_HOSTS": "", "OUTCRY_SITE_URL": "https://localhost"},
            "outcry.E115",
            "Set ALLOWED_HOSTS",
        ),
        ({**PRODUCTION, "ALLOWED_HOSTS": "outcry.example,*"}, "outcry.E115", "Set ALLOWED_HOSTS"),
        ({**PRODUCTION, "OUTCRY_SITE_URL": ""}, "outcry.E116", "Set OUTCRY_SITE_URL"),
        ({"ALLOWED_HOSTS": "localhost,10.0.0.5"}, "outcry.E116", "Set OUTCRY_SITE_URL"),
        ({**PRODUCTION, "OUTCRY_SITE_URL": "http://outcry.example"}, "outcry.E117", "begins with https://"),
        ({**PRODUCTION, "OUTCRY_SITE_URL": "https://evil.example"}, "outcry.E118", "Add evil.example"),
        ({**PRODUCTION, "OUTCRY_BEHIND_PROXY": ""}, "outcry.W112", "Set OUTCRY_BEHIND_PROXY=true"),
        ({**PRODUCTION, "OUTCRY_PROXY_COUNT": "0"}, "outcry.W113", "Set OUTCRY_PROXY_COUNT"),
        ({**PRODUCTION, "EMAIL_URL": ""}, "outcry.W114", "Set EMAIL_URL"),
        (PRODUCTION, "outcry.I115", "manage.py collectstatic"),
    ],
)
def test_settings_that_contradict_are_named_with_a_hint(
    reading: Reading, changed: dict[str, str], number: str, hint: str
) -> None:
    reading(changed)
    # What every one of these folders lacks.
    found = [message for message in deployment_checks() if message.id == number or message.is_serious()]
    [message] = [message for message in found if message.id == number]
    assert hint in str(message.hint)
    assert {each.id for each in found} <= {number}
    assert SECRET not in f"{message.msg} {message.hint}"


def test_valid_settings_pass_all_checks(reading: Reading) -> None:
    reading(PRODUCTION)
    assert [message.id for message in deployment_checks()] == ["outcry.I115"]


# Settings that cannot be read


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", f"postgresql://u:{SECRET}/x@{NOBODY}/n"),
        ("DATABASE_URL", f"postgresql://u:12/{SECRET}@{NOBODY}/n"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}#x@{NOBODY}/n"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}?x@{NOBODY}/n"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}@[half/n"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}@{NOBODY}"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}@127.0.0.1:port/n"),
        ("DATABASE_URL", f"mysql://u:{SECRET}@{NOBODY}/n"),
        ("DATABASE_URL", "sqlite://relative/outcry.sqlite3"),
        ("DATABASE_URL", "sqlite:outcry"),
        ("REDIS_URL", f"http://:{SECRET}@{NOBODY}/0"),
        ("REDIS_URL", f"redis://:{SECRET}/x@{NOBODY}/0"),
        ("REDIS_URL", f"redis://:{SECRET}@{NOBODY}/zero"),
        ("REDIS_URL", f"redis://:{SECRET}@"),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("OUTCRY_CHANNEL_REDIS_URLS", f"redis://:{SECRET}#x@{NOBODY}/0"),
    ],
)
def test_unreadable_url_is_named_and_not_shown(name: str, url: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        addresses.database(name, url) if name == "DATABASE_URL" else addresses.redis(name, url)
    message = str(refused.value)
    assert f"Unexpected value in {name}, use " in message
    assert url not in message
    assert SECRET not in message
    # Nor is it in what was raised before.
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "OUTCRY_CHANNEL_REDIS_URLS"])
def test_unreadable_url_stops_the_settings(reading: Reading, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"Unexpected value in {name}, use "):
        reading({"REDIS_URL": f"redis://{NOBODY}/0", name: f"redis://u:{SECRET}/x@{NOBODY}/0"})


def test_data_folder_that_cannot_be_made_is_named(reading: Reading, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ImproperlyConfigured, match=r"OUTCRY_DATA_DIR=.*use a folder that may be written to"):
        reading({}, file)


def test_database_file_that_cannot_be_made_is_named(reading: Reading, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/nowhere/outcry.sqlite3"
    with pytest.raises(
        ImproperlyConfigured, match=f"DATABASE_URL: SQLite cannot write to {tmp_path}/nowhere"
    ):
        reading({"DATABASE_URL": url})


# Stores that do not answer


@pytest.mark.django_db
def test_database_that_is_away_is_named(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    found = reading({"DATABASE_URL": f"postgresql://u:{SECRET}@{NOBODY}/n"})
    monkeypatch.setattr(stores, "connection", ConnectionHandler(found.DATABASES)["default"])
    [error] = stores.check_database(databases=["default"])
    assert error.id == "outcry.E120"
    assert f"The database of DATABASE_URL ({NOBODY}) cannot be used" in str(error.msg)
    assert SECRET not in f"{error.msg} {error.hint}"


def test_every_redis_that_is_away_is_named(reading: Reading) -> None:
    shards = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    urls = ",".join(f"redis://:{SECRET}@{shard}/0" for shard in shards)
    reading({"REDIS_URL": f"redis://:{SECRET}@{NOBODY}/0", "OUTCRY_CHANNEL_REDIS_URLS": urls})
    errors = [*stores.check_redis(databases=["default"])]
    assert {error.id for error in errors} == {"outcry.E122"}
    messages = "\n".join(str(error.msg) for error in errors)
    assert f"Redis of REDIS_URL ({NOBODY}) cannot be used" in messages
    for shard in shards:
        assert f"Redis of OUTCRY_CHANNEL_REDIS_URLS ({shard}) cannot be used" in messages
    assert SECRET not in messages


def test_stores_are_asked_only_where_a_database_is_named(reading: Reading) -> None:
    reading({"REDIS_URL": f"redis://{NOBODY}/0"})
    assert [*stores.check_redis(), *stores.check_database()] == []


@pytest.fixture
def _another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "missing_migrations", lambda: ["conversations.0099_next", "more.0001"])
    monkeypatch.setattr(preflight, "_passed", False)


LACKS = "The database lacks migrations of this version: conversations.0099_next, and 1 more."


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_another_version")
@pytest.mark.parametrize("command", ["serve", "work"])
def test_commands_refuse_a_database_of_another_version(command: str) -> None:
    with pytest.raises(SystemCheckError) as refused:
        call_command(command, skip_checks=False)
    assert LACKS in str(refused.value)
    assert "Run `manage.py migrate`" in str(refused.value)
    assert "outcry.E121" in str(refused.value)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_another_version")
async def test_servers_refuse_a_database_of_another_version() -> None:
    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(answer: dict[str, Any]) -> None:
        answers.append(answer)

    await lifespan({"type": "lifespan"}, receive, send)
    [answer] = answers
    assert answer["type"] == "lifespan.startup.failed"
    assert "Outcry does not start." in answer["message"]
    assert f"{LACKS} Run `manage.py migrate`, once for all processes. (outcry.E121)" in answer["message"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_another_version")
def test_migrating_asks_neither_for_migrations_nor_for_redis(reading: Reading) -> None:
    reading({"REDIS_URL": f"redis://{NOBODY}/0"})
    call_command("migrate", skip_checks=False, verbosity=0)


@pytest.mark.django_db
def test_migrated_database_passes() -> None:
    assert [*stores.check_database(databases=["default"])] == []


# Whole commands


@pytest.mark.parametrize(
    "command",
    [
        (*MANAGE, "serve"),
        (sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(free_port())),
    ],
    ids=["manage.py serve", "uvicorn"],
)
def test_unreadable_setting_stops_commands_with_one_sentence(tmp_path: Path, command: Sequence[str]) -> None:
    done = run(tmp_path, command, {"REDIS_URL": f"redis://u:{SECRET}/x@{NOBODY}/0"})
    printed = (done.stdout + done.stderr).strip()
    assert done.returncode != 0
    assert printed.startswith("Outcry does not start. Unexpected value in REDIS_URL, use ")
    assert len(printed.splitlines()) == 1
    assert SECRET not in printed
