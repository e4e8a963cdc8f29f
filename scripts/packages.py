"""Install exactly the pinned Python packages into .venv, and compile the pins."""

import os
import shutil
from pathlib import Path

from scripts import interpreter
from scripts.console import run, say
from scripts.places import PYTHON, ROOT, UV, VENV
from scripts.stamps import STAMPS, once

RUNTIME = [ROOT / "requirements.txt", ROOT / "requirements-build.txt"]
DEVELOPMENT = [*RUNTIME, ROOT / "requirements-dev.txt"]
COMPILE = [
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-build",
    "--no-emit-index-url",
    "--custom-compile-command=make requirements",
]
INTERPRETER = VENV / "pyvenv.cfg"


def ensure_packages(*, development: bool = False) -> None:
    """Install the runtime packages, or those for development. The latter stay once installed, so that `make run` after
    `make test` removes nothing."""
    interpreter.ensure_environment()
    tools = [interpreter.TOOLS, INTERPRETER]
    once("tools", inputs=tools, outputs=[UV], step=interpreter.install_tools)
    is_development = development or (STAMPS / "development").exists()
    files = DEVELOPMENT if is_development else RUNTIME
    name = "development" if is_development else "runtime"
    once(name, inputs=[*files, INTERPRETER], outputs=[PYTHON], step=lambda: _install(PYTHON, files))


def ensure_other_python() -> tuple[str, Path] | None:
    """A virtual environment of another Python with another Django (5.2 runs on Python 3.11, 6.1 on 3.12 and newer): its
    version and its interpreter. None if this machine has no such Python."""
    found = _find_other_python()
    if found is None:
        say("No second Python with another Django on this machine: its tests are left out")
        return None
    version, base = found
    folder = VENV / "other" / version
    python = folder / "bin" / "python"

    def install() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        run(
            [UV, "venv", "--quiet", "--python", base, folder],
            otherwise="Is the disk full, or not writable?",
        )
        _install(python, DEVELOPMENT)

    once(f"other-{version}", inputs=DEVELOPMENT, outputs=[python], step=install)
    return version, python


def _find_other_python() -> tuple[str, Path] | None:
    """Version and path of the newest one, on PATH or of pyenv."""
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in ["3.13", "3.12"] if interpreter.version_of(PYTHON) == "3.11" else ["3.11"]:
        on_path = shutil.which(f"python{version}")
        for found in [*([Path(on_path)] if on_path else []), *kept.glob(f"{version}.*/bin/python3")]:
            # pyenv's shims are on the path even for versions that do not start.
            if interpreter.version_of(found) == version:
                return version, found
    return None


def _install(python: Path, files: list[Path]) -> None:
    """Reinstall everything (uv has a cache): an interrupted installation may have left half a package."""
    say(f"Installing the Python packages of {' and '.join(file.name for file in files)}")
    run(
        [UV, "pip", "sync", "--python", python, "--reinstall", "--require-hashes", "--no-build", *files],
        otherwise="Is the network there? Run the same command again to go on where it stopped.",
    )


def compile_requirements(arguments: list[str]) -> None:
    """One file for all supported versions of Python, wheels only, without the address of the index."""
    for name in ("requirements", "requirements-dev", "requirements-build"):
        say(f"Compiling {name}.txt from {name}.in")
        run(
            [UV, "pip", "compile", *COMPILE, *arguments, f"{name}.in", "-o", f"{name}.txt"],
            otherwise="No versions fit together: loosen a pin in the .in file.",
        )
