"""The commands of the Makefile."""

import fcntl
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from config.env.private_files import keep_private
from scripts import audit, cluster_command, frontend, model, openmp, packages, programs
from scripts.console import StepFailedError, environment, run, say, status_of
from scripts.parts import CHECKS, Part, run_all
from scripts.places import FRONTEND, PYTHON, ROOT, VENV, data_dir, setting

# Two workers more than processors, because tests wait for timers, sockets and servers almost half of their time. A file
# stays on one worker, which keeps its servers; conftest.py orders the files, the longest first.
IN_PARALLEL = ("-n", str((os.cpu_count() or 1) + 2), "--dist", "loadfile", "--no-loadscope-reorder")
# What rests on SQL, or on Python's event loop and Django's machinery: requests, sign-in, pages, tasks, sockets. Tests
# that only compute (`pure`) do not, and rows of a parametrised test differ in their data (`another_row`). Browsers,
# whole servers, the local model and what transports make of events run once.
ELSEWHERE = (
    *("tests/config", "tests/frontend", "tests/scenarios", "tests/streaming", "tests/conversations"),
    "-m",
    "not pure and not another_row and not e2e and not local_model and not slow and (not anywhere or each_database)",
)
GENERATED = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache")


def main(arguments: list[str]) -> int:
    name, *rest = arguments
    try:
        return COMMANDS[name](rest)
    except StepFailedError as failure:
        print(f"\nOutcry could not go on: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130


def set_up(*, development: bool = False, database: bool = True) -> None:
    """Set up everything that a server needs. `database` is False for a cluster, which has its own."""
    with one_at_a_time():
        install(development=development)
        frontend.ensure_built()
        keep_private(data_dir())
        if development or model.is_wanted():
            model.ensure_model()
        if database:
            say("Bringing the database up to date")
            # Without checks: the server runs them when it starts.
            run(
                [PYTHON, "manage.py", "migrate", "--no-input", "--skip-checks"],
                otherwise="The lines above say why. Is DATABASE_URL right, and its server there?",
            )


def install(*, development: bool) -> None:
    packages.ensure_packages(development=development)
    openmp.ensure_openmp()
    frontend.ensure_modules()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold a lock, so that two commands do not set up the same folder at once."""
    with (ROOT / "Makefile").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another set-up in this folder")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def serve(_arguments: list[str]) -> int:
    require_free_port("make run")
    set_up()
    with one_at_a_time():
        frontend.ensure_collected()
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), "manage.py", "serve"], environment({}))


def require_free_port(command: str) -> int:
    """PORT. Raises StepFailedError if it is taken, so that the command fails before its long steps."""
    text = setting("PORT", "8000")
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise StepFailedError(f"PORT={text} is no port: use a number from 1 to 65535.")
    port = int(text)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StepFailedError(
                f"port {port} is taken. Is Outcry running already? Another port: PORT={port + 1} {command}"
            ) from error
    return port


def serve_cluster(_arguments: list[str]) -> int:
    port = require_free_port("make cluster")
    set_up(database=False)
    cluster_command.serve(port)
    return 0


def setup(_arguments: list[str]) -> int:
    set_up()
    say("Ready. `make run` starts the server.")
    return 0


def set_up_tests() -> None:
    set_up(development=True)
    programs.ensure_programs()


def test(arguments: list[str]) -> int:
    """Run every test. Arguments go to a single pytest on SQLite, and the other parts are left out."""
    set_up_tests()
    frontend.ensure_modules(frontend.CLIENTS)
    if arguments:
        say("Running pytest on SQLite only, with these arguments")
        return int(status_of([PYTHON, "-m", "pytest", *arguments]) != 0)
    return run_all(test_parts())


def test_parts() -> list[Part]:
    """All tests on SQLite; those that may differ elsewhere, on PostgreSQL and another Python with another Django at
    once, as far as this machine has them; and the front end's."""
    pytest: list[str | Path] = ["-m", "pytest", *IN_PARALLEL]
    parts = [Part("All tests, on SQLite (pytest)", [PYTHON, *pytest])]
    env = {"OUTCRY_TEST_DATABASE": "postgres"} if programs.POSTGRESQL.find() else {}
    other = packages.ensure_other_python()
    if env or other:
        version, python = other or ("", PYTHON)
        places = [*(["PostgreSQL"] if env else []), *([f"Python {version}"] if other else [])]
        name = f"What may differ on {' and '.join(places)} (pytest)"
        parts.append(Part(name, [python, *pytest, *ELSEWHERE], env=env))
    return [*parts, Part("The front end (Vitest)", ["npm", "test"], cwd=FRONTEND)]


def check(_arguments: list[str]) -> int:
    with one_at_a_time():
        install(development=True)
    return run_all(CHECKS)


def reformat(_arguments: list[str]) -> int:
    with one_at_a_time():
        install(development=True)
    return status_of(["ruff", "check", "--fix"]) | status_of(["ruff", "format"])


def run_module(name: str, arguments: list[str]) -> int:
    set_up_tests()
    return status_of([PYTHON, "-m", name, *arguments])


def requirements(arguments: list[str]) -> int:
    with one_at_a_time():
        packages.ensure_packages()
    packages.compile_requirements(arguments)
    return 0


def audit_packages(_arguments: list[str]) -> int:
    with one_at_a_time():
        install(development=True)
    return audit.run()


def clean(_arguments: list[str]) -> int:
    say(f"Removing what can be made again; {data_dir()} (database and model) stays")
    modules = [folder / "node_modules" for folder in (FRONTEND, frontend.CLIENTS)]
    for path in (VENV, *modules, frontend.BUILT, *(ROOT / name for name in GENERATED)):
        shutil.rmtree(path, ignore_errors=True)
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "run": serve,
    "cluster": serve_cluster,
    "setup": setup,
    "test": test,
    "check": check,
    "format": reformat,
    "bench": partial(run_module, "benchmarks"),
    "bench-cluster": partial(run_module, "benchmarks.cluster"),
    "chaos": partial(run_module, "reliability.chaos"),
    "requirements": requirements,
    "audit": audit_packages,
    "clean": clean,
}
