"""`manage.py export_person`: everything that is stored about a person, as one ZIP archive."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from conversations.management import people
from conversations.privacy import export


class Command(BaseCommand):
    help = "Write everything that is stored about a person into one ZIP archive."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--output", default=export.NAME, help="a new file (default: %(default)s)")

    def handle(self, *args: Any, username: str, output: str, **options: Any) -> None:
        user = people.find(username)
        path = Path(output)
        try:
            with path.open("xb") as file:
                # It holds everything about somebody.
                path.chmod(0o600)
                export.write(user, file, by=None)
        except OSError as failure:
            raise CommandError(f"--output={output}: {failure.strerror}.") from None
        self.stdout.write(f"Written: {path}")
