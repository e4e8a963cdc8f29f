"""A second Python with another Django: 5.2 runs on Python 3.11, 6.1 on 3.12 and newer."""

import os
import shutil
from pathlib import Path

from scripts.console import run, say
from scripts.interpreter import version_of
from scripts.packages import DEVELOPMENT
from scripts.places import PYTHON, UV, VENV
from scripts.stamps import once


def find() -> tuple[str, Path] | None:
    """Version and path of the newest Python, on the path or of pyenv, whose Django differs from that of .venv."""
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in ["3.13", "3.12"] if version_of(PYTHON) == "3.11" else ["3.11"]:
        on_path = shutil.which(f"python{version}")
        for interpreter in [*([Path(on_path)] if on_path else []), *kept.glob(f"{version}.*/bin/python3")]:
            # pyenv's shims are on the path even for versions that do not start.
            if version_of(interpreter) == version:
                return version, interpreter
    say("No second Python with another Django on this machine: its tests are left out")
    return None


def ensure_installed(version: str, interpreter: Path) -> Path:
    """A virtual environment with the same packages; its python."""
    folder = VENV / "other" / version
    python = folder / "bin" / "python"

    def install() -> None:
        say(f"Installing the same packages for {interpreter}")
        shutil.rmtree(folder, ignore_errors=True)
        run(
            [UV, "venv", "--quiet", "--python", interpreter, folder],
            otherwise="Is the disk full, or not writable?",
        )
        run(
            [
                UV,
                "pip",
                "sync",
                "--quiet",
                "--python",
                python,
                "--require-hashes",
                "--no-build",
                *DEVELOPMENT,
            ],
            otherwise="Is the network there? Run the same command again to go on.",
        )

    once(f"other-{version}", inputs=DEVELOPMENT, outputs=[python], step=install)
    return python
