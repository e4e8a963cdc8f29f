"""Settings that are wrong: each command names the setting and the mend, shows no password, and nothing starts."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env import service_urls
from scripts.ports import free_port
from tests.support.servers import ROOT, setting_names

MANAGE = (sys.executable, "manage.py")
CHECK = (*MANAGE, "check")
DATABASE_CHECK = (*MANAGE, "check", "--database", "default")
KEY = "Gh7-only-for-a-test-and-long-enough-0123456789-abcdefghij"
SECRET = "Passwort1"
PRODUCTION = {
    "OUTCRY_HTTPS": "true",
    "OUTCRY_BEHIND_PROXY": "true",
    "SECRET_KEY": KEY,
    "ALLOWED_HOSTS": "outcry.example",
    "EMAIL_URL": "smtp+tls://outcry:secret@mail.example:587",
}
NOBODY = "127.0.0.1:9"


def starts() -> list[Sequence[str]]:
    """What people run to serve or to work."""
    port = str(free_port())
    uvicorn = (sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", port)
    return [(*MANAGE, "serve", "--port", port), (*MANAGE, "work"), uvicorn]


def run(folder: Path, command: Sequence[str], changed: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A command with these settings and no others, to its end."""
    empty = dict.fromkeys(setting_names(), "")
    own = {"OUTCRY_DATA_DIR": str(folder), "OUTCRY_PROVIDERS": "demo", "OUTCRY_LOG_LEVEL": "WARNING"}
    return subprocess.run(
        command,
        env={**os.environ, **empty, **own, **changed},
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What it said when it refused."""
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert "Traceback" not in said
    assert SECRET not in said
    assert "Outcry is at" not in said
    assert "Uvicorn running" not in said
    return said


WRONG: list[tuple[dict[str, str], str, str]] = [
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
    ({**PRODUCTION, "ALLOWED_HOSTS": ""}, "outcry.E115", "Set ALLOWED_HOSTS"),
    ({**PRODUCTION, "ALLOWED_HOSTS": "outcry.example,*"}, "outcry.E115", "Set ALLOWED_HOSTS"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("changed", "number", "mend"), WRONG)
def test_settings_that_do_not_go_together_are_named_with_the_mend(
    tmp_path: Path, changed: dict[str, str], number: str, mend: str
) -> None:
    said = told(run(tmp_path, CHECK, changed))
    assert number in said
    assert mend in said


@pytest.mark.parametrize(
    ("changed", "number", "mend"),
    [
        ({**PRODUCTION, "OUTCRY_BEHIND_PROXY": ""}, "outcry.W112", "Set OUTCRY_BEHIND_PROXY=true"),
        ({**PRODUCTION, "OUTCRY_PROXY_COUNT": "0"}, "outcry.W113", "Set OUTCRY_PROXY_COUNT"),
        (PRODUCTION, "outcry.I115", "manage.py collectstatic"),
    ],
)
def test_what_a_site_should_not_go_without_is_said(
    tmp_path: Path, changed: dict[str, str], number: str, mend: str
) -> None:
    done = run(tmp_path, (*CHECK, "--deploy"), changed)
    assert done.returncode == 0
    assert number in done.stderr
    assert mend in done.stderr


def test_mail_that_only_the_terminal_shows_is_named(tmp_path: Path) -> None:
    # Django 6.1 itself takes it for an error; 5.2 does not.
    done = run(tmp_path, (*CHECK, "--deploy"), {**PRODUCTION, "EMAIL_URL": ""})
    assert "outcry.W114" in done.stderr
    assert "Set EMAIL_URL" in done.stderr


UNREADABLE = [
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
]


@pytest.mark.parametrize(("name", "url"), UNREADABLE)
def test_an_address_that_cannot_be_read_is_named_and_not_shown(name: str, url: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        service_urls.database(name, url) if name == "DATABASE_URL" else service_urls.redis(name, url)
    said = str(refused.value)
    assert f"Unexpected value in {name}, use " in said
    assert url not in said
    assert SECRET not in said
    # Nor by what was raised before.
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "OUTCRY_CHANNEL_REDIS_URLS"])
def test_such_an_address_stops_every_command_with_one_sentence(tmp_path: Path, name: str) -> None:
    values = {"REDIS_URL": f"redis://{NOBODY}/0", name: f"redis://u:{SECRET}/x@{NOBODY}/0"}
    said = told(run(tmp_path, CHECK, values))
    assert f"Unexpected value in {name}, use " in said
    assert len(said.strip().splitlines()) == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    said = told(run(file, CHECK, {}))
    assert "OUTCRY_DATA_DIR" in said
    assert "use a folder that may be written to" in said


# Before anything is served


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated")
    done = run(folder, (*MANAGE, "migrate", "--verbosity", "0"), {})
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("command", [DATABASE_CHECK, *starts()], ids=lambda words: " ".join(words[1:4]))
def test_nothing_starts_without_its_stores(migrated: Path, command: Sequence[str]) -> None:
    """The database and Redis are asked, and both are named."""
    away = {
        "OUTCRY_RUNNER": "worker",
        "DATABASE_URL": f"postgresql://u:{SECRET}@{NOBODY}/n",
        "REDIS_URL": f"redis://:{SECRET}@{NOBODY}/0",
    }
    said = told(run(migrated, command, away))
    assert f"The database of DATABASE_URL ({NOBODY}) cannot be used" in said
    assert "outcry.E120" in said
    assert f"Redis of REDIS_URL ({NOBODY}) cannot be used" in said
    assert "outcry.E122" in said


@pytest.mark.parametrize("command", [DATABASE_CHECK, *starts()], ids=lambda words: " ".join(words[1:4]))
def test_nothing_starts_on_a_database_of_another_version(tmp_path: Path, command: Sequence[str]) -> None:
    said = told(run(tmp_path, command, {}))
    assert "The database lacks migrations of this version" in said
    assert "Run `manage.py migrate`" in said


@pytest.mark.parametrize("command", starts(), ids=lambda words: " ".join(words[1:4]))
def test_nothing_starts_with_a_setting_that_cannot_be_read(tmp_path: Path, command: Sequence[str]) -> None:
    said = told(run(tmp_path, command, {"DEBUG": "maybe"}))
    assert "Unexpected value DEBUG='maybe', use 'true' or 'false'." in said


def test_every_redis_of_the_channel_layer_is_asked(migrated: Path) -> None:
    shards = [f"redis://:{SECRET}@127.0.0.1:{free_port()}/0" for _ in range(2)]
    values = {"REDIS_URL": f"redis://{NOBODY}/0", "OUTCRY_CHANNEL_REDIS_URLS": ",".join(shards)}
    said = told(run(migrated, DATABASE_CHECK, values))
    for shard in shards:
        assert f"Redis of OUTCRY_CHANNEL_REDIS_URLS ({shard.partition('@')[2][:-2]}) cannot be used" in said


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/nowhere/outcry.sqlite3"
    said = told(run(tmp_path, CHECK, {"DATABASE_URL": url}))
    assert f"DATABASE_URL: SQLite cannot write to {tmp_path}/nowhere/outcry.sqlite3." in said


def test_migrating_does_not_ask_whether_it_has_been_done_nor_for_redis(tmp_path: Path) -> None:
    away = {"REDIS_URL": f"redis://{NOBODY}/0"}
    done = run(tmp_path, (*MANAGE, "migrate", "--verbosity", "0"), away)
    assert done.returncode == 0, done.stderr
    assert "outcry.E" not in done.stderr


def test_where_all_is_right_nothing_is_said(migrated: Path) -> None:
    done = run(migrated, DATABASE_CHECK, {})
    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout
