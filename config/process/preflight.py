"""Checks before a process serves or works: settings, database, migrations, Redis. If one fails, it does not start."""

from typing import Any

from django.core.checks import ERROR, run_checks
from django.core.management.base import BaseCommand
from django.db import connections

_passed = False


def failures() -> str:
    """The failed checks with their hints; empty if all pass. After a pass, the process is not checked again. Call it in
    a thread."""
    global _passed
    if _passed:
        return ""
    try:
        errors = [found for found in run_checks(databases=["default"]) if found.is_serious(ERROR)]
    finally:
        connections.close_all()
    _passed = not errors
    described = [f"{error.msg} {error.hint or ''} ({error.id})".replace("  ", " ") for error in errors]
    return "\n".join(["Outcry does not start.", *described]) if errors else ""


class ServingCommand(BaseCommand):
    """A command that runs until a stop signal. Before it starts, the database and Redis are checked, too."""

    def check(self, *args: Any, **options: Any) -> None:
        global _passed
        super().check(*args, **{**options, "databases": ["default"]})
        _passed = True
