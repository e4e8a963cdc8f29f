"""The commands of the Makefile."""

import fcntl
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import (
    checks,
    clients,
    cluster_command,
    frontend,
    model,
    openmp,
    other_python,
    packages,
    programs,
)
from scripts.console import StepFailedError, environment, run, say, status_of
from scripts.places import FRONTEND, PYTHON, ROOT, VENV, data_dir, setting
from scripts.side_by_side import PROCESSORS, Part, run_all, summary

# One worker more than processors, because tests wait for timers and sockets about a third of their time. A file stays
# on one worker, which keeps its servers; conftest.py orders the files, the longest first.
IN_PARALLEL = ("-n", str(PROCESSORS + 1), "--dist", "loadfile", "--no-loadscope-reorder")
ON_POSTGRESQL = (
    *("tests/conversations", "tests/streaming", "tests/scenarios"),
    *("-m", "not e2e and not local_model and not any_database"),
)
GENERATED = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache")


def main(arguments: list[str]) -> int:
    chosen = "--chosen-python" in arguments
    name, *rest = [argument for argument in arguments if argument != "--chosen-python"]
    try:
        return COMMANDS[name](chosen, rest)
    except StepFailedError as failure:
        print(f"\nOutcry could not go on: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130


def set_up(chosen: bool, *, development: bool = False) -> None:
    with one_at_a_time():
        install(chosen, development=development)
        frontend.ensure_built()
        prepare_data()


def install(chosen: bool, *, development: bool) -> None:
    packages.ensure_packages(chosen=chosen, development=development)
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


def prepare_data() -> None:
    data_dir().mkdir(parents=True, exist_ok=True)
    if model.is_wanted():
        model.ensure_model()
    say("Bringing the database up to date")
    # Without checks: the server runs them when it starts.
    run(
        [PYTHON, "manage.py", "migrate", "--no-input", "--skip-checks"],
        otherwise="The lines above say why. Is DATABASE_URL right, and its server there?",
    )


def serve(chosen: bool, _arguments: list[str]) -> int:
    ensure_port_is_free(setting("PORT", "8000"))
    set_up(chosen)
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), "manage.py", "serve"], environment({}))


def ensure_port_is_free(text: str, command: str = "make run") -> None:
    """Raises StepFailedError, before the long steps rather than after them."""
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


def serve_cluster(chosen: bool, _arguments: list[str]) -> int:
    port = setting("PORT", "8000")
    ensure_port_is_free(port, "make cluster")
    with one_at_a_time():
        install(chosen, development=False)
        frontend.ensure_built()
        if model.is_wanted():
            model.ensure_model()
    cluster_command.serve(int(port))
    return 0


def setup(chosen: bool, _arguments: list[str]) -> int:
    set_up(chosen)
    say("Ready. `make run` starts the server.")
    return 0


def test(chosen: bool, arguments: list[str]) -> int:
    """Every test; with arguments, they go to one pytest on SQLite and the other parts are left out."""
    set_up(chosen, development=True)
    model.ensure_model()
    programs.ensure_programs()
    clients.ensure_clients()
    if arguments:
        say("Running pytest on SQLite only, with these arguments")
        return int(status_of([PYTHON, "-m", "pytest", *arguments]) != 0)
    # One after the other: each pytest already uses all processors.
    return int(summary(run_all(test_parts(), at_once=1)) > 0)


def test_parts() -> list[Part]:
    """Everything on SQLite, then what may differ on another Python and on PostgreSQL, then the front end."""
    pytest: list[str | Path] = ["-m", "pytest", *IN_PARALLEL]
    parts = [Part("All tests, on SQLite (pytest)", [PYTHON, *pytest])]
    if (other := other_python.find()) is not None:
        version, interpreter = other
        python = other_python.ensure_installed(version, interpreter)
        name = f"What may differ on Python {version} (pytest)"
        parts.append(Part(name, [python, *pytest, *other_python.TESTS]))
    if programs.POSTGRESQL.find():
        name, env = "What may differ on PostgreSQL (pytest)", {"OUTCRY_TEST_DATABASE": "postgres"}
        parts.append(Part(name, [PYTHON, *pytest, *ON_POSTGRESQL], env=env))
    return [*parts, Part("The front end (Vitest)", ["npm", "test"], cwd=FRONTEND)]


def check(chosen: bool, _arguments: list[str]) -> int:
    with one_at_a_time():
        install(chosen, development=True)
    return checks.run_checks()


def reformat(chosen: bool, _arguments: list[str]) -> int:
    with one_at_a_time():
        install(chosen, development=True)
    return status_of(["ruff", "check", "--fix"]) | status_of(["ruff", "format"])


def bench(chosen: bool, arguments: list[str]) -> int:
    set_up(chosen, development=True)
    return status_of([PYTHON, "-m", "benchmarks", *arguments])


def bench_cluster(chosen: bool, arguments: list[str]) -> int:
    set_up(chosen, development=True)
    return status_of([PYTHON, "-m", "benchmarks.cluster", *arguments])


def chaos(chosen: bool, arguments: list[str]) -> int:
    set_up(chosen, development=True)
    model.ensure_model()
    programs.ensure_programs()
    return status_of([PYTHON, "-m", "reliability.chaos", *arguments])


def requirements(chosen: bool, arguments: list[str]) -> int:
    with one_at_a_time():
        packages.ensure_packages(chosen=chosen, development=False)
    packages.compile_requirements(arguments)
    return 0


def clean(_chosen: bool, _arguments: list[str]) -> int:
    say(f"Removing what can be made again; {data_dir()} (database and model) stays")
    for path in (
        VENV,
        frontend.MODULES,
        clients.MODULES,
        frontend.BUILT,
        *(ROOT / name for name in GENERATED),
    ):
        shutil.rmtree(path, ignore_errors=True)
    return 0


COMMANDS: dict[str, Callable[[bool, list[str]], int]] = {
    "run": serve,
    "cluster": serve_cluster,
    "setup": setup,
    "test": test,
    "check": check,
    "format": reformat,
    "bench": bench,
    "bench-cluster": bench_cluster,
    "chaos": chaos,
    "requirements": requirements,
    "clean": clean,
}
