"""`make check`: the static checks."""

from scripts.parts import Part
from scripts.places import FRONTEND, PYTHON, ROOT, read_env_file

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
