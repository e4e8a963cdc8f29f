"""`manage.py migrate`: Django's own, which does not ask before whether it has been run."""

from typing import Any

from django.core.management.commands import migrate

from config.checks.stores import migrating


class Command(migrate.Command):
    def check(self, *args: Any, **options: Any) -> None:
        with migrating():
            super().check(*args, **options)
