"""The clients from npm that only tests speak by: they are large, and nobody who just runs Outcry needs them."""

from scripts.console import run, say
from scripts.places import ROOT
from scripts.stamps import once

FOLDER = ROOT / "tests" / "clients"
MODULES = FOLDER / "node_modules"
# The second says that no package's own scripts are run.
LOCK = [FOLDER / "package.json", FOLDER / ".npmrc", FOLDER / "package-lock.json"]


def ensure_clients() -> None:
    once("clients", inputs=LOCK, outputs=[MODULES], step=install)


def install() -> None:
    say("Installing the clients that the tests speak by (about 170 MB)")
    run(
        ["npm", "ci", "--no-audit", "--no-fund"],
        cwd=FOLDER,
        otherwise="Is the network there? Run the same command again to go on.",
    )
