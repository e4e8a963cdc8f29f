"""docs/scaling.md: the tables of each part stand between two comments; the rest is written by hand."""

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import psutil

from scripts import programs
from scripts.places import ROOT

PAGE = ROOT / "docs" / "scaling.md"
# Programs and the option that prints their version.
_VERSIONS = {
    "PostgreSQL": (programs.POSTGRESQL, "--version"),
    "Redis": (programs.REDIS, "--version"),
    "nginx": (programs.NGINX, "-v"),
}


def replaced(page: str, part: str, content: str) -> str:
    """The page with `content` between the part's two comments. Raises ValueError unless there is one such section."""
    begin, end = f"<!-- measured: {part} -->\n", "<!-- end -->\n"
    section = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if len(section.findall(page)) != 1:
        raise ValueError(f"docs/scaling.md needs one section between {begin.strip()!r} and {end.strip()!r}.")
    return section.sub(lambda _: f"{begin}{content}{end}", page)


def write(part: str, tables: Iterable[str], minutes: float) -> None:
    """Replace the part's section of the page."""
    content = "\n".join([*tables, f'{_when(minutes)}\n`make bench-cluster ARGS="{part}"`.\n'])
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), part, content), encoding="utf-8")


def _when(minutes: float) -> str:
    gibibytes = psutil.virtual_memory().total / 2**30
    cores = f"{os.cpu_count()} cores ({_processor()})"
    machine = f"{platform.system()} on {platform.machine()}, {cores}, {gibibytes:.0f} GiB"
    versions = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in _VERSIONS)]
    return (
        f"{datetime.now(UTC):%d %B %Y}, {max(1, round(minutes))} minutes on {machine};\n"
        f"{', '.join(versions)}:"
    )


def version(name: str) -> str:
    """The version of a program, "?" if unknown."""
    program, option = _VERSIONS[name]
    found = program.find()
    if found is None:
        return "?"
    if name == "PostgreSQL":
        found = found.resolve()
    said = subprocess.run([found, option], capture_output=True, text=True, check=False)
    number = re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr)
    return number[0] if number else "?"


def _processor() -> str:
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or "unknown"
