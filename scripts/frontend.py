"""The front end, built by the Node.js of .venv."""

from collections.abc import Iterator
from pathlib import Path

from scripts.console import run, say
from scripts.places import FRONTEND
from scripts.stamps import once

MODULES = FRONTEND / "node_modules"
BUILT = FRONTEND / "dist"
LOCK = [FRONTEND / "package.json", FRONTEND / "package-lock.json"]
NOT_SOURCES = {"node_modules", "dist", "coverage", "migrations", "__pycache__"}


def ensure_modules() -> None:
    once("modules", inputs=LOCK, outputs=[MODULES], step=install_modules)


def ensure_built() -> None:
    once("frontend", inputs=sources(FRONTEND), outputs=[BUILT], step=build)


def sources(folder: Path) -> Iterator[Path]:
    """Every file the build may read: scripts, styles, and templates, from which Tailwind takes class names."""
    for path in folder.iterdir():
        if path.is_dir() and path.name not in NOT_SOURCES:
            yield from sources(path)
        elif path.is_file() and path.suffix not in {".py", ".pyc"}:
            yield path


def install_modules() -> None:
    say("Installing the front end's packages")
    run(
        ["npm", "ci", "--no-audit", "--no-fund"],
        cwd=FRONTEND,
        otherwise="Is the network there? Run the same command again to go on.",
    )


def build() -> None:
    say("Building the front end")
    run(["npm", "run", "build"], cwd=FRONTEND, otherwise="The lines above say which file it stumbled over.")
