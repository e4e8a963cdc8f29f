"""Install exactly the pinned Python packages into .venv, and compile the pins."""

from pathlib import Path

from scripts import interpreter
from scripts.console import run, say
from scripts.places import PYTHON, ROOT, UV, VENV
from scripts.stamps import STAMPS, once

RUNTIME = [ROOT / "requirements.txt", ROOT / "requirements-build.txt"]
DEVELOPMENT = ROOT / "requirements-dev.txt"
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


def ensure_packages(*, chosen: bool, development: bool) -> None:
    """Install the runtime packages, or those for development. Once installed, the latter stay: `make run` after
    `make test` removes nothing."""
    interpreter.ensure_environment(chosen=chosen)
    tools = [interpreter.TOOLS, INTERPRETER]
    once("tools", inputs=tools, outputs=[UV], step=interpreter.install_tools)
    if development or (STAMPS / "development").exists():
        once(
            "development",
            inputs=[*RUNTIME, DEVELOPMENT, INTERPRETER],
            outputs=[PYTHON],
            step=install_development,
        )
    else:
        once("runtime", inputs=[*RUNTIME, INTERPRETER], outputs=[PYTHON], step=install_runtime)


def install_runtime() -> None:
    say("Installing the Python packages of requirements.txt (about 150 MB)")
    sync([])


def install_development() -> None:
    say("Installing the Python packages of requirements.txt and requirements-dev.txt (about 250 MB)")
    sync([DEVELOPMENT])


def sync(more: list[Path]) -> None:
    """Reinstall everything (uv has a cache): an interrupted installation may have left half a package."""
    files = [*RUNTIME, *more]
    run(
        [UV, "pip", "sync", "--python", PYTHON, "--reinstall", "--require-hashes", "--no-build", *files],
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
