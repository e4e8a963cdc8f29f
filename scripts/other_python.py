"""The same tests on another Python, where the machine has one: from 3.12 on, Django is a newer one than on 3.11."""

import os
import shutil
from pathlib import Path

from scripts.console import run, say
from scripts.interpreter import version_of
from scripts.packages import DEVELOPMENT, RUNTIME
from scripts.places import PYTHON, UV, VENV
from scripts.side_by_side import Part
from scripts.stamps import once

OTHERS = ("3.13", "3.12", "3.11")
# What a Python makes no difference to is tested once, and takes its time: the browser and the local model.
TESTS = ["-m", "not e2e and not local_model and not slow"]


def part() -> Part | None:
    """The tests on the newest Python whose Django is not the one of .venv; None where there is none."""
    found = find()
    if found is None:
        say("No other Python here whose Django differs: tried on this one alone")
        return None
    version, interpreter = found
    python = VENV / "other" / version / "bin" / "python"
    files = [*RUNTIME, DEVELOPMENT]
    once(f"other-{version}", inputs=files, outputs=[python], step=lambda: install(interpreter, python, files))
    return Part(f"On Python {version} (pytest)", [python, "-m", "pytest", *TESTS])


def find() -> tuple[str, Path] | None:
    current = version_of(PYTHON)
    for version in OTHERS:
        # Django 5.2 on 3.11, and one newer Django on all that follow.
        if (version == "3.11") == (current == "3.11"):
            continue
        for interpreter in candidates(version):
            # pyenv puts names on the path that do not start.
            if version_of(interpreter) == version:
                return version, interpreter
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
