"""Debian's packages: installed where we may, unpacked beside the system where we may not."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.console import say, status_of


def install(packages: Sequence[str]) -> bool:
    """False where this is no Debian, or we are neither root nor allowed sudo without a password."""
    rights = as_root()
    if rights is None or not shutil.which("apt-get"):
        return False
    say(f"Installing {', '.join(packages)} with apt-get")
    command = [*rights, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    wanted = [*command, "install", "-y", "--no-install-recommends", *packages]
    return status_of([*command, "update"]) == 0 and status_of(wanted) == 0


def as_root() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def download(package: str, folder: Path) -> bool:
    """Unpacks a package into a folder. Needs no root: apt keeps its lists in that folder too."""
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
