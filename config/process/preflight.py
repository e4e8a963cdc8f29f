"""What has to be right before a process serves or works. Otherwise it says what is wrong, and does not start."""

from typing import Any

from django.core.checks import ERROR, CheckMessage, run_checks
from django.core.management.base import BaseCommand
from django.db import connections

_passed = False


def wrong() -> str:
    """Every mistake with its mend, or nothing. Call it in a thread; a process that has passed is not asked again."""
    global _passed
    if _passed:
        return ""
    try:
        errors = [found for found in run_checks(databases=["default"]) if found.is_serious(ERROR)]
    finally:
        connections.close_all()
    _passed = not errors
    return "\n".join(["Outcry does not start."] * bool(errors) + [_told(error) for error in errors])


def _told(error: CheckMessage) -> str:
    return f"{error.msg} {error.hint or ''} ({error.id})".replace("  ", " ")


class ServingCommand(BaseCommand):
    """A command that goes on until it is told to stop; before, the database and Redis are asked, too."""

    def check(self, *args: Any, **options: Any) -> None:
        global _passed
        super().check(*args, **{**options, "databases": ["default"]})
        _passed = True
