"""Install exactly the pinned Python packages into .venv, and compile the pins."""

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


def ensure_packages(*, chosen: bool, development: bool) -> None:
    """Install the runtime packages, or those for development. Once installed, the latter stay: `make run` after
    `make test` removes nothing."""
    interpreter.ensure_environment(chosen=chosen)
    tools = [interpreter.TOOLS, INTERPRETER]
    once("tools", inputs=tools, outputs=[UV], step=interpreter.install_tools)
    is_development = development or (STAMPS / "development").exists()
    files = DEVELOPMENT if is_development else RUNTIME

    def install() -> None:
        """Reinstall everything (uv has a cache): an interrupted installation may have left half a package."""
        say(f"Installing the Python packages of {' and '.join(file.name for file in files)}")
        run(
            [UV, "pip", "sync", "--python", PYTHON, "--reinstall", "--require-hashes", "--no-build", *files],
            otherwise="Is the network there? Run the same command again to go on where it stopped.",
        )

    name = "development" if is_development else "runtime"
    once(name, inputs=[*files, INTERPRETER], outputs=[PYTHON], step=install)


def compile_requirements(arguments: list[str]) -> None:
    """One file for all supported versions of Python, wheels only, without the address of the index."""
    for name in ("requirements", "requirements-dev", "requirements-build"):
        say(f"Compiling {name}.txt from {name}.in")
        run(
            [UV, "pip", "compile", *COMPILE, *arguments, f"{name}.in", "-o", f"{name}.txt"],
            otherwise="No versions fit together: loosen a pin in the .in file.",
        )
