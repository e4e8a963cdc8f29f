"""The parts of a long command, one after the other: each uses all processors by itself. CHECKS are those of `make
check`."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.console import say, status_of
from scripts.places import FRONTEND, PYTHON, ROOT, read_env_file


@dataclass(frozen=True)
class Part:
    """A command, and a name for people."""

    name: str
    command: Sequence[str | Path]
    cwd: Path = ROOT
    env: Mapping[str, str] = field(default_factory=dict)


PRODUCTION = {
    **read_env_file(ROOT / "deploy" / "outcry.env.example"),
    "DEBUG": "false",
    "SECRET_KEY": "only-for-this-check-and-long-enough-to-pass-it-0123456789-abcdefghij",
    "OPENAI_API_KEY": "only-for-this-check",
}
CHECKS = [
    # First: Django's checks need a complete build.
    Part("front end's build", ["npm", "run", "build"], FRONTEND),
    Part("front end's types", ["npm", "run", "check"], FRONTEND),
    Part("generated types", ["npm", "run", "types:check"], FRONTEND),
    Part("lint", ["ruff", "check"]),
    Part("format", ["ruff", "format", "--check"]),
    Part("imports", ["lint-imports"]),
    Part("types", ["mypy"]),
    Part("migrations", [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"]),
    Part("deployment", [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], env=PRODUCTION),
]


def run_all(parts: Sequence[Part]) -> int:
    """Run all parts, also after one has failed, and print the result of each; 0 if none failed."""
    results = []
    for part in parts:
        say(part.name)
        started = time.monotonic()
        failed = status_of(part.command, cwd=part.cwd, **part.env) != 0
        seconds = time.monotonic() - started
        results.append((failed, f"    {'FAILED' if failed else 'ok':<8}{part.name} ({seconds:.1f} s)"))
    failures = sum(failed for failed, _ in results)
    say(f"{len(parts) - failures} of {len(parts)} passed")
    print("\n".join(line for _, line in results), flush=True)
    return int(failures > 0)
