"""`manage.py debate "TOPIC"`: a live debate in the terminal. Typed lines are sent to the analysts; `/skip` skips an
open question, `/conclude` asks for the verdict."""

import asyncio
import contextlib
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from conversations.domain import requests
from conversations.domain.enums import Action, ContentType
from conversations.domain.errors import OutcryError
from conversations.domain.panels import PANELS
from conversations.domain.routing import AUTO
from conversations.event_log import appender
from conversations.local_model import supervisor
from conversations.providers import catalog
from conversations.services import debates, sources
from streaming.hub.subscription import follow
from streaming.transports.terminal.view import DebateView, printable, typed_messages

OWNER = "terminal"


class Command(BaseCommand):
    help = "Start a debate and watch it in the terminal. Exits 0 when it completed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "topic",
            nargs="?",
            default="",
            help="the question, at most 500 characters (default: the first sentence of the content)",
        )
        parser.add_argument("--content-file", type=Path, help="a text file to argue about")
        parser.add_argument(
            "--source",
            type=Path,
            action="append",
            default=[],
            help="a file to argue about: text, Markdown, HTML, PDF or DOCX; may be repeated",
        )
        parser.add_argument(
            "--truncate",
            action="store_true",
            help="cut a text that is too long for the model to its beginning",
        )
        parser.add_argument("--content-type", choices=ContentType.values, default=ContentType.TEXT.value)
        parser.add_argument(
            "--panel",
            default=AUTO,
            help=f"one of {', '.join((AUTO, *PANELS))}, or the id of a panel of the owner (default: %(default)s)",
        )
        parser.add_argument("--rounds", type=int, help="1 to 6 (default: those of the panel, mostly 2)")
        parser.add_argument("--user", help=f"owner of the debate (default: an account named {OWNER})")

    def handle(
        self,
        *args: Any,
        topic: str,
        user: str | None,
        content_file: Path | None,
        source: Sequence[Path],
        **options: Any,
    ) -> None:
        given = ("content_type", "panel", "rounds", "truncate")
        values = {name: options[name] for name in given if options[name] is not None}
        try:
            content = content_file.read_text() if content_file else ""
        except (OSError, UnicodeDecodeError) as failure:
            raise CommandError(f"--content-file {content_file} cannot be read: {failure}") from None
        owner = _owner(user)
        try:
            uploaded = asyncio.run(_uploaded(owner, source)) if source else []
            new = requests.NewConversation.parse(
                {"topic": topic, "content": content, "sources": uploaded, **values}
            )
            if catalog.uses_local_model():
                supervisor.require()
            status = asyncio.run(_debate(owner, new, Console(highlight=False)))
        except (OutcryError, ValueError) as refused:
            raise CommandError(str(refused)) from None
        except KeyboardInterrupt:
            raise SystemExit(130) from None
        finally:
            supervisor.release()
            appender.close()
        if status != "completed":
            raise SystemExit(1)


def _owner(username: str | None) -> AbstractUser:
    users = get_user_model().objects
    owner = users.filter(username=username or OWNER).first()
    if username is None:
        if owner is None:
            # This user has no password and no address, so nobody can sign in as them.
            return users.create_user(OWNER)
        if owner.has_usable_password() or owner.email:
            raise CommandError(f"The account {OWNER} belongs to a person; name another account with --user.")
    if owner is None:
        raise CommandError(f"--user {username}: there is no such account.")
    return owner


async def _uploaded(owner: AbstractUser, files: Sequence[Path]) -> list[str]:
    """The ids of the files' sources."""
    ids = []
    for path in files:
        try:
            with path.open("rb") as file:
                uploaded = await sources.upload(owner, file, os.fstat(file.fileno()).st_size, path.name)
        except OSError as failure:
            raise CommandError(f"--source {path} cannot be read: {failure}") from None
        ids.append(str(uploaded.pk))
    return ids


async def _debate(owner: AbstractUser, new: requests.NewConversation, console: Console) -> str:
    conversation = await debates.start(owner, new)
    console.print(Rule(Text(printable(conversation.topic), style="bold")))
    view = DebateView(console)
    with typed_messages(owner, conversation.pk, view):
        try:
            await _watch(conversation.pk, view)
        except asyncio.CancelledError:
            # Ctrl-C: no process is left to continue the debate.
            with contextlib.suppress(OutcryError):
                await debates.control(owner, conversation.pk, requests.Command(action=Action.CANCEL))
            await _watch(conversation.pk, view)
            raise
    return view.status


async def _watch(conversation: UUID, view: DebateView) -> None:
    async for frame in follow(conversation, view.head):
        view.event(frame)
