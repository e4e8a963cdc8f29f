"""`make check`: everything that can be said about the code without running it."""

import time
from pathlib import Path

from scripts.console import say, status_of
from scripts.places import FRONTEND, PYTHON, ROOT

PRODUCTION = {
    "DEBUG": "false",
    "OUTCRY_HTTPS": "true",
    "SECRET_KEY": "only-for-this-check-and-long-enough-to-pass-it-0123456789-abcdefghij",
    "ALLOWED_HOSTS": "outcry.example",
}
CHECKS: list[tuple[str, list[str | Path], Path, dict[str, str]]] = [
    ("lint", ["ruff", "check"], ROOT, {}),
    ("format", ["ruff", "format", "--check"], ROOT, {}),
    ("types", ["mypy"], ROOT, {}),
    ("imports", ["lint-imports"], ROOT, {}),
    ("migrations", [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"], ROOT, {}),
    ("front end's build", ["npm", "run", "build"], FRONTEND, {}),
    ("deployment", [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], ROOT, PRODUCTION),
    ("front end's types", ["npm", "run", "check"], FRONTEND, {}),
    ("generated types", ["npm", "run", "types:check"], FRONTEND, {}),
]


def run_checks() -> int:
    """All of them, also after one has failed."""
    summary = []
    failed = 0
    for name, command, folder, env in CHECKS:
        say(f"Checking {name}")
        started = time.monotonic()
        status = status_of(command, cwd=folder, **env)
        failed += bool(status)
        summary.append(f"    {'FAILED' if status else 'ok':<8}{name} ({time.monotonic() - started:.1f} s)")
    say(f"{len(CHECKS) - failed} of {len(CHECKS)} checks passed")
    print("\n".join(summary), flush=True)
    return 1 if failed else 0
