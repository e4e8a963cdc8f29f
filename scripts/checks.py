"""`make check`: static checks, side by side."""

from scripts.places import FRONTEND, PYTHON, ROOT, read_env_file
from scripts.side_by_side import Part, run_all, summary

PRODUCTION = {
    **read_env_file(ROOT / "deploy" / "outcry.env.example"),
    "DEBUG": "false",
    "SECRET_KEY": "only-for-this-check-and-long-enough-to-pass-it-0123456789-abcdefghij",
    "OPENAI_API_KEY": "only-for-this-check",
}
# The build comes first: Django's checks need a complete one.
FIRST = [
    Part("front end's build", ["npm", "run", "build"], FRONTEND),
    Part("lint", ["ruff", "check"]),
    Part("format", ["ruff", "format", "--check"]),
]
# The longest first.
THEN = [
    Part("types", ["mypy"]),
    Part("imports", ["lint-imports"]),
    Part("migrations", [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"]),
    Part("deployment", [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], env=PRODUCTION),
    Part("front end's types", ["npm", "run", "check"], FRONTEND),
    Part("generated types", ["npm", "run", "types:check"], FRONTEND),
]


def run_checks() -> int:
    """Run all of them, also after one has failed."""
    return int(summary([*run_all(FIRST), *run_all(THEN)]) > 0)
