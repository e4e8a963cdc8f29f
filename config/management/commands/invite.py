"""`manage.py invite`: lets one person sign up."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from config.accounts import sign_up
from conversations.access import invitations


class Command(BaseCommand):
    help = "Print a link with which one person can sign up; with --email, also send it there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", default="", help="the only address that may sign up with it")
        parser.add_argument(
            "--days",
            type=int,
            default=invitations.DEFAULT_DAYS,
            help=f"days until it expires, at most {invitations.MAX_DAYS} (default: %(default)s)",
        )

    def handle(self, *args: Any, email: str, days: int, **options: Any) -> None:
        if not 1 <= days <= invitations.MAX_DAYS:
            raise CommandError(f"--days={days}: use 1 to {invitations.MAX_DAYS}.")
        try:
            if email:
                validate_email(email)
        except ValidationError:
            raise CommandError(f"--email={email!r} is no mail address.") from None
        invitation = invitations.make(None, email, days)
        if email:
            sign_up.send(invitation)
        self.stdout.write(sign_up.link(invitation))
