"""A second Python with another Django: 5.2 runs on Python 3.11, 6.1 on 3.12 and newer."""

import os
import shutil
from pathlib import Path

from scripts.console import run, say
from scripts.interpreter import version_of
from scripts.packages import DEVELOPMENT, RUNTIME
from scripts.places import PYTHON, UV, VENV
from scripts.stamps import once

OTHERS = ("3.13", "3.12", "3.11")
# Browsers, whole servers and the local model run once, on the first Python: they take most of the time.
TESTS = ["tests", "-m", "not e2e and not local_model and not slow"]


def ensure_installed(version: str, interpreter: Path) -> Path:
    """A virtual environment with the same packages; its python."""
    python = VENV / "other" / version / "bin" / "python"
    files = [*RUNTIME, DEVELOPMENT]
    once(f"other-{version}", inputs=files, outputs=[python], step=lambda: install(interpreter, python, files))
    return python


def find() -> tuple[str, Path] | None:
    """The newest Python on this machine whose Django differs from the one in .venv: version and path."""
    current = version_of(PYTHON)
    for version in OTHERS:
        if (version == "3.11") == (current == "3.11"):
            continue
        for interpreter in candidates(version):
            # pyenv's shims are on the path even for versions that do not start.
            if version_of(interpreter) == version:
                return version, interpreter
    say("No second Python with another Django on this machine: its tests are left out")
    return None


def candidates(version: str) -> list[Path]:
    """On the path, and where pyenv keeps them."""
    on_path = shutil.which(f"python{version}")
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    return [
        *([Path(on_path)] if on_path else []),
        *sorted(kept.glob(f"{version}.*/bin/python3"), reverse=True),
    ]


def install(interpreter: Path, python: Path, files: list[Path]) -> None:
    say(f"Installing the same packages for {interpreter}")
    folder = python.parent.parent
    shutil.rmtree(folder, ignore_errors=True)
    run(
        [UV, "venv", "--quiet", "--python", interpreter, folder],
        otherwise="Is the disk full, or not writable?",
    )
    run(
        [UV, "pip", "sync", "--quiet", "--python", python, "--require-hashes", "--no-build", *files],
        otherwise="Is the network there? Run the same command again to go on.",
    )
