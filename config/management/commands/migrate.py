"""`manage.py migrate`: Django's own, without the check that every migration has been applied."""

from typing import Any

from django.core.management.commands import migrate

from config.checks.stores import migrating


class Command(migrate.Command):
    def check(self, *args: Any, **options: Any) -> None:
        token = migrating.set(True)
        try:
            super().check(*args, **options)
        finally:
            migrating.reset(token)
