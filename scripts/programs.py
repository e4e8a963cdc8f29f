"""Programs that tests start and that are not Python packages: a browser, PostgreSQL, Redis, nginx."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from scripts import apt
from scripts.console import StepFailedError, say


@dataclass(frozen=True)
class Program:
    name: str
    commands: tuple[str, ...]
    package: str
    tests: str

    def find(self) -> Path | None:
        """Its path: on PATH or in /usr/sbin, or in Debian's folder of PostgreSQL's server commands."""
        for command in self.commands:
            # Debian installs servers into /usr/sbin, which is only on root's PATH.
            path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
            if found := shutil.which(command, path=path):
                return Path(found)
            if beside := sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{command}")):
                return beside[-1]
        return None

    def path(self) -> Path:
        """Its path. Raises StepFailedError if it is missing."""
        if (found := self.find()) is None:
            raise StepFailedError(f"{self.name} is not installed (package: {self.package}).")
        return found


# The headless shell takes a quarter less processor time.
CHROMIUM = Program(
    "Chromium",
    ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"),
    "chromium",
    "end to end",
)
POSTGRESQL = Program("PostgreSQL", ("initdb",), "postgresql", "on PostgreSQL")
REDIS = Program("Redis", ("redis-server", "valkey-server"), "redis-server", "on Redis")
NGINX = Program("nginx", ("nginx",), "nginx", "behind nginx")
PROGRAMS = (CHROMIUM, POSTGRESQL, REDIS, NGINX)


def unprivileged_user() -> str | None:
    """The user for PostgreSQL, which refuses to run as root; None if this process is not root."""
    return "postgres" if os.geteuid() == 0 else None


def missing(*wanted: Program) -> list[Program]:
    """Install absent programs with apt-get. Returns those that are still absent."""
    if absent := [program for program in wanted if not program.find()]:
        apt.install([program.package for program in absent])
    return [program for program in absent if not program.find()]


def require(*wanted: Program) -> None:
    """Raises StepFailedError if one of these is missing."""
    if absent := missing(*wanted):
        names = ", ".join(program.name for program in absent)
        packages = " ".join(program.package for program in absent)
        raise StepFailedError(f"{names} must be installed. Debian, Ubuntu: apt-get install {packages}")


def ensure_programs() -> None:
    """Install what tests need. Tests of a program that cannot be installed are skipped; in CI that is a failure."""
    if os.environ.get("CI"):
        require(*PROGRAMS)
    for program in missing(*PROGRAMS):
        say(f"No {program.name} here: the tests {program.tests} are skipped (package: {program.package})")
