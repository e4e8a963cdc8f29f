"""The front end, built by the Node.js of .venv, and the npm packages of it and of the tests."""

from collections.abc import Iterator
from pathlib import Path

from scripts.console import run, say
from scripts.places import FRONTEND, PYTHON, ROOT, data_dir, setting
from scripts.stamps import once

BUILT = FRONTEND / "dist"
# The protocol clients that tests run. They take 170 MB, so only `make test` installs them.
CLIENTS = ROOT / "tests" / "clients"
# Static files that do not come from the build.
STATIC = ("config/static", "conversations/static", "frontend/static")
NOT_SOURCES = {"node_modules", "dist", "coverage", "migrations", "__pycache__"}


def ensure_modules(folder: Path = FRONTEND) -> None:
    """Install the npm packages that the folder's lock file names."""

    def install() -> None:
        say(f"Installing the npm packages of {folder.relative_to(ROOT)}")
        otherwise = "Is the network there? Run the same command again to go on."
        run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, otherwise=otherwise)

    # .npmrc forbids the packages' install scripts.
    lock = [folder / name for name in ("package.json", "package-lock.json", ".npmrc")]
    once(f"{folder.name}-modules", inputs=lock, outputs=[folder / "node_modules"], step=install)


def ensure_built() -> None:
    def build() -> None:
        say("Building the front end")
        otherwise = "The lines above say which file is wrong."
        run(["npm", "run", "build"], cwd=FRONTEND, otherwise=otherwise)

    once("frontend", inputs=sources(FRONTEND), outputs=[BUILT], step=build)


def ensure_collected() -> None:
    """Collect the static files, hashed and compressed. They are made readable for everybody, as a web server needs."""

    def collect() -> None:
        say("Compressing the static files")
        command = [str(PYTHON), "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
        run(command, otherwise="The lines above say why.")

    inputs = [BUILT / "manifest.json", ROOT / "requirements.txt"]
    inputs += [path for folder in STATIC for path in (ROOT / folder).rglob("*") if path.is_file()]
    # Django's list of the collected files.
    collected = Path(setting("OUTCRY_STATIC_DIR", str(data_dir() / "static"))) / "staticfiles.json"
    once("static", inputs=inputs, outputs=[collected], step=collect)


def sources(folder: Path) -> Iterator[Path]:
    """Every file the build may read: scripts, styles, and templates, from which Tailwind takes class names."""
    for path in folder.iterdir():
        if path.is_dir() and path.name not in NOT_SOURCES:
            yield from sources(path)
        elif path.is_file() and path.suffix not in {".py", ".pyc"}:
            yield path
