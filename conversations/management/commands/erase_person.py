"""`manage.py erase_person`: deletes a person's account, their debates and everything else that is about them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from conversations.domain.errors import OutcryError
from conversations.management import people
from conversations.privacy import erasure


class Command(BaseCommand):
    help = "Delete a person's account, their debates and everything else that is about them. It cannot be undone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, username: str, yes: bool, **options: Any) -> None:
        user = people.find(username)
        number = user.conversations.count()
        question = (
            f"Erase {username} and {number} debate{'' if number == 1 else 's'} for good? Type the name: "
        )
        if not yes and input(question) != username:
            raise CommandError("Nothing was erased.")
        try:
            erasure.erase(user.pk, None)
        except OutcryError as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(f"Erased: {username}")
