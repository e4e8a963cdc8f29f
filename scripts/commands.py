"""The commands of the Makefile."""

import fcntl
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scripts import checks, frontend, model, openmp, other_python, packages, programs
from scripts.console import StepFailedError, environment, run, say, status_of
from scripts.places import FRONTEND, PYTHON, ROOT, VENV, data_dir, setting

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
    """A second command in this folder waits until the first has set things up."""
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
    # The server checks the settings when it starts; once is enough.
    run(
        [PYTHON, "manage.py", "migrate", "--no-input", "--skip-checks"],
        otherwise="The lines above say why. Is DATABASE_URL right, and its server there?",
    )


def serve(chosen: bool, _arguments: list[str]) -> int:
    ensure_port_is_free(setting("PORT", "8000"))
    set_up(chosen)
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), "manage.py", "serve"], environment({}))


def ensure_port_is_free(text: str) -> None:
    """Said before the long steps, not after them."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise StepFailedError(f"PORT={text} is no port: use a number from 1 to 65535.")
    port = int(text)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StepFailedError(
                f"port {port} is taken. Is Outcry running already? Another port: PORT={port + 1} make run"
            ) from error


def setup(chosen: bool, _arguments: list[str]) -> int:
    set_up(chosen)
    say("Ready. `make run` starts the server.")
    return 0


def test(chosen: bool, arguments: list[str]) -> int:
    """All tests; with arguments for pytest, only pytest's."""
    set_up(chosen, development=True)
    model.ensure_model()
    programs.ensure_programs()
    failed = False
    if arguments:
        say("Leaving out Vitest: ARGS are for pytest")
    else:
        say("Testing the front end (Vitest)")
        failed = status_of(["npm", "test"], cwd=FRONTEND) != 0
    if not arguments and programs.POSTGRESQL.find():
        say("Testing what is stored and sent, on PostgreSQL (pytest)")
        parts = ["tests/conversations", "tests/streaming", "-m", "not local_model and not any_database"]
        failed |= status_of([PYTHON, "-m", "pytest", *parts], OUTCRY_TEST_DATABASE="postgres") != 0
    if not arguments:
        failed |= other_python.test_on_another() != 0
    say("Testing everything, on SQLite (pytest)")
    failed |= status_of([PYTHON, "-m", "pytest", *arguments]) != 0
    return int(failed)


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
    return status_of([PYTHON, "-m", "tests.benchmarks", *arguments])


def chaos(chosen: bool, arguments: list[str]) -> int:
    set_up(chosen, development=True)
    model.ensure_model()
    programs.ensure_programs()
    return status_of([PYTHON, "-m", "tests.chaos", *arguments])


def requirements(chosen: bool, arguments: list[str]) -> int:
    with one_at_a_time():
        packages.ensure_packages(chosen=chosen, development=False)
    packages.compile_requirements(arguments)
    return 0


def clean(_chosen: bool, _arguments: list[str]) -> int:
    say(f"Removing what can be made again; {data_dir()} (database and model) stays")
    for path in (VENV, frontend.MODULES, frontend.BUILT, *(ROOT / name for name in GENERATED)):
        shutil.rmtree(path, ignore_errors=True)
    return 0


COMMANDS: dict[str, Callable[[bool, list[str]], int]] = {
    "run": serve,
    "setup": setup,
    "test": test,
    "check": check,
    "format": reformat,
    "bench": bench,
    "chaos": chaos,
    "requirements": requirements,
    "clean": clean,
}
