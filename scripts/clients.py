"""The npm packages of protocol clients that tests run. They are large, so only `make test` installs them."""

from scripts.console import run, say
from scripts.places import ROOT
from scripts.stamps import once

FOLDER = ROOT / "tests" / "clients"
MODULES = FOLDER / "node_modules"
# .npmrc forbids the packages' install scripts.
LOCK = [FOLDER / "package.json", FOLDER / ".npmrc", FOLDER / "package-lock.json"]


def ensure_clients() -> None:
    once("clients", inputs=LOCK, outputs=[MODULES], step=install)


def install() -> None:
    say("Installing the protocol clients that tests run (about 170 MB)")
    run(
        ["npm", "ci", "--no-audit", "--no-fund"],
        cwd=FOLDER,
        otherwise="Is the network there? Run the same command again to go on.",
    )
