"""Messages to the terminal, and child processes in the virtual environment."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.places import ROOT, VENV


class StepFailedError(Exception):
    """Ends the command. Its text tells the person what failed, and what to do about it."""


def say(text: str) -> None:
    mark = "\033[1;34m==>\033[0m" if sys.stdout.isatty() else "==>"
    print(f"{mark} {text}", flush=True)


def run(command: Sequence[str | Path], *, otherwise: str, cwd: Path = ROOT, **env: str) -> None:
    """Run a command in the virtual environment. Raises StepFailedError, which says what to do: `otherwise`."""
    if status := status_of(command, cwd=cwd, **env):
        raise StepFailedError(f"`{describe(command)}` ended with status {status}. {otherwise}")


def status_of(command: Sequence[str | Path], *, cwd: Path = ROOT, **env: str) -> int:
    """The exit status of a command that runs in the virtual environment."""
    try:
        return subprocess.run(command, cwd=cwd, env=environment(env), check=False).returncode
    except OSError as error:
        raise StepFailedError(
            f"`{describe(command)}` does not start ({error.strerror}). `make clean` removes what is installed."
        ) from error


def describe(command: Sequence[str | Path]) -> str:
    """The command as a person would type it, with paths relative to the project."""
    words = [str(word).removeprefix(f"{ROOT}/") for word in command]
    return " ".join([Path(words[0]).name, *words[1:]])


def environment(extra: dict[str, str]) -> dict[str, str]:
    """The environment of a child process: the virtual environment's programs, Node.js included, come first."""
    path = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)])
    own = {"PATH": path, "VIRTUAL_ENV": str(VENV), "NPM_CONFIG_UPDATE_NOTIFIER": "false"}
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        # Bytecode goes below .venv instead: without any, every start of a server would compile everything again.
        own |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(VENV / "bytecode")}
    return os.environ | own | extra
