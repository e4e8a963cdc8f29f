"""Debian packages: installed with apt-get as root, or unpacked into a folder without root."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.console import say, status_of


def install(packages: Sequence[str]) -> bool:
    """Install with apt-get; returns whether that worked. It needs root, or sudo without a password."""
    rights = as_root()
    if rights is None or not shutil.which("apt-get"):
        return False
    say(f"Installing {', '.join(packages)} with apt-get")
    command = [*rights, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    wanted = [*command, "install", "-y", "--no-install-recommends", *packages]
    return status_of([*command, "update"]) == 0 and status_of(wanted) == 0


def as_root() -> list[str] | None:
    """The words before a command that make it run as root; None if that is impossible."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.call(["sudo", "-n", "true"], stderr=subprocess.DEVNULL) == 0:
        return ["sudo", "-n"]
    return None


def download(package: str, folder: Path) -> bool:
    """Unpack a package into a folder; returns whether that worked. It needs no root: apt's lists go there, too."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return False
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True)
    command = ["apt-get", "-qq", "-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={folder}"]
    if status_of([*command, "update"]) or status_of([*command, "download", package], cwd=folder):
        return False
    return all(
        status_of(["dpkg-deb", "-x", archive, folder]) == 0 for archive in folder.glob(f"{package}_*.deb")
    )
