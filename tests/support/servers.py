"""Servers that tests start for themselves, and the environment that settings are read from in tests.

Loaded as a plugin before Django's settings (`-p tests.support.servers`). The developer's `.env`, keys and data are
ignored. Each pytest process gets its own data folder with a SQLite database; with OUTCRY_TEST_DATABASE=postgres, a
PostgreSQL cluster of its own, which the workers of pytest-xdist share (each has its own database in it).
"""

import atexit
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from scripts.ports import free_port
from scripts.programs import unprivileged_user

ROOT = Path(__file__).resolve().parents[2]
# The variable that names the folder which all processes of a test run share.
SHARED = "OUTCRY_TEST_SHARED"
KEYS = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "OLLAMA_HOST",
    "OLLAMA_API_KEY",
)


def setting_names() -> list[str]:
    """Every environment variable that Outcry's settings and providers read."""
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "config").rglob("*.py"))
    names = re.findall(r"\b(?:text|words|flag|choice|whole|number|rate)\(\s*\"([A-Z_]+)\"", sources)
    names += re.findall(r"\"((?:GOOGLE|GITHUB|OIDC)_[A-Z_]+)\"", sources)
    return sorted({*names, *KEYS})


def find(*commands: str) -> Path | None:
    """A server's command, on the path or where Debian puts PostgreSQL's."""
    for command in commands:
        if beside := sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{command}")):
            return beside[-1]
        if found := shutil.which(command):
            return Path(found)
    return None


def require(name: str, *commands: str) -> Path:
    """The command, or the test is skipped; in CI it fails, because nothing is skipped there."""
    if (found := find(*commands)) is not None:
        return found
    reason = f"{name} is not installed (no {' or '.join(commands)})"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def at_last(command: str, user: str | None = None) -> Iterator[None]:
    """Run a shell command in the end, even where this process is killed before: its pipe closes then, too."""
    waiting = subprocess.Popen(
        ["sh", "-c", f"read _; {command}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        user=user,
        cwd="/",
        start_new_session=True,
    )
    assert waiting.stdin is not None
    try:
        yield
    finally:
        waiting.stdin.close()
        waiting.wait()


@contextmanager
def folder(name: str, user: str | None = None) -> Iterator[Path]:
    """A folder of `user`, removed at last."""
    made = Path(tempfile.mkdtemp(prefix=f"outcry-{name}-"))
    if user is not None:
        os.chown(made, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    with at_last(f"rm -rf {made}"):
        yield made


@contextmanager
def redis_server(command: Path) -> Iterator[str]:
    """A Redis server that keeps nothing, by its URL."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with folder("redis") as place:
        server = subprocess.Popen([command, *options], cwd=place, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        with at_last(f"kill {server.pid}"):
            if not any("Ready to accept connections" in line for line in server.stdout):
                raise RuntimeError(f"{command} ended with {server.wait()}.")
            yield f"redis://127.0.0.1:{port}/0"
        server.stdout.close()
        server.wait()


@contextmanager
def postgres_cluster() -> Iterator[str]:
    """A PostgreSQL cluster that forgets everything, by a DATABASE_URL."""
    initdb, pg_ctl = find("initdb"), find("pg_ctl")
    if initdb is None or pg_ctl is None:
        raise pytest.UsageError(
            "OUTCRY_TEST_DATABASE=postgres, but PostgreSQL's initdb and pg_ctl are not installed."
        )
    user = unprivileged_user()
    port = free_port()
    with folder("postgres", user) as place:
        data, log = place / "data", place / "log"
        options = f"-p {port} -k {place} -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off"

        def run(*command: str | Path) -> None:
            subprocess.run(command, user=user, cwd=place, check=True, stdout=subprocess.DEVNULL)

        run(initdb, "-D", data, "-U", "outcry", "-A", "trust", "-E", "UTF8", "--no-sync")
        with at_last(f"{pg_ctl} stop -w -m immediate -D {data}", user):
            run(pg_ctl, "start", "-w", "-D", data, "-l", log, "-o", options)
            yield f"postgres://outcry@127.0.0.1:{port}/postgres"


def _prepare() -> ExitStack:
    """Settings as in a fresh place, whatever the developer's are."""
    started = ExitStack()
    # A shell starts background jobs with SIGINT ignored, and so would every process that tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from scripts.console import environment
    from scripts.model import NAME
    from scripts.places import data_dir

    # As `make test` runs pytest: with the tools of .venv, and with bytecode, which halves a server's start.
    os.environ.update(environment({}))

    model = os.environ.get("OUTCRY_LOCAL_MODEL") or str(data_dir() / "models" / NAME)
    place = started.enter_context(folder("tests"))
    # WhiteNoise warns of a missing folder, and warnings are errors here.
    (place / "static").mkdir()
    os.environ.setdefault(SHARED, str(place))
    match os.environ.get("OUTCRY_TEST_DATABASE", "sqlite"):
        case "sqlite":
            database = f"sqlite:///{place}/outcry.sqlite3"
        case "postgres" if "PYTEST_XDIST_WORKER" in os.environ:
            database = os.environ["DATABASE_URL"]
        case "postgres":
            database = started.enter_context(postgres_cluster())
        case other:
            raise pytest.UsageError(
                f"Unexpected value OUTCRY_TEST_DATABASE={other!r}, use 'sqlite' or 'postgres'."
            )
    # An empty variable counts as not set, and keeps `.env` from setting it.
    os.environ.update(dict.fromkeys(setting_names(), ""))
    os.environ.update(
        OUTCRY_DATA_DIR=str(place),
        OUTCRY_LOCAL_MODEL=model,
        DATABASE_URL=database,
        EMAIL_URL="memorymail://",
        OUTCRY_LOG_LEVEL="ERROR",
    )
    return started


atexit.register(_prepare().close)
