"""`manage.py debate "TOPIC"`: a debate in the terminal, live. What is typed meanwhile is said to the panel."""

import asyncio
import contextlib
import sys
import unicodedata
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.text import Text

from conversations.domain import requests as forms
from conversations.domain.enums import ContentType
from conversations.domain.errors import OutcryError
from conversations.domain.events import Action, Entry, Mode, Status
from conversations.domain.panels import DEFAULT_PANEL, PANELS
from conversations.event_log import appender as log
from conversations.local_model import supervisor as local_service
from conversations.providers import catalog as providers
from conversations.review import timeline as review
from conversations.services import debates as services
from streaming.hub.subscription import follow

OWNER = "terminal"
COLOURS = ("cyan", "green", "magenta", "yellow", "blue")


class Command(BaseCommand):
    help = "Start a debate and watch it in the terminal. Exits 0 when it completed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("topic", help="the question, at most 500 characters")
        parser.add_argument("--content-file", type=Path, help="a text file to argue about")
        parser.add_argument("--content-type", choices=ContentType.values, default=ContentType.TEXT.value)
        parser.add_argument("--panel", choices=list(PANELS), default=DEFAULT_PANEL)
        parser.add_argument(
            "--rounds", type=int, default=forms.DEFAULT_ROUNDS, help="1 to 6 (default: %(default)s)"
        )
        parser.add_argument("--user", help=f"whose debate it is (default: an account named {OWNER})")

    def handle(
        self, *args: Any, topic: str, user: str | None, content_file: Path | None, **options: Any
    ) -> None:
        values = {name: options[name] for name in ("content_type", "panel", "rounds")}
        try:
            content = content_file.read_text() if content_file else ""
        except (OSError, UnicodeDecodeError) as failure:
            raise CommandError(f"--content-file {content_file} cannot be read: {failure}") from None
        try:
            new = forms.parse({"topic": topic, "content": content, **values})
        except OutcryError as refused:
            raise CommandError(refused.message) from None
        owner = _owner(user)
        try:
            if not local_service.is_running_elsewhere():
                local_service.keep_if_wanted(providers.configured())
            status = asyncio.run(_debate(owner, new, Console(highlight=False)))
        except (OutcryError, ValueError) as refused:
            raise CommandError(str(refused)) from None
        except KeyboardInterrupt:
            raise SystemExit(130) from None
        finally:
            local_service.release()
            log.close()
        if status != "completed":
            raise SystemExit(1)


def _owner(username: str | None) -> AbstractUser:
    users = get_user_model().objects
    owner = users.filter(username=username or OWNER).first()
    if username is None:
        if owner is None:
            # Without a password and an address, nobody can sign in as this one.
            return users.create_user(OWNER)
        if owner.has_usable_password() or owner.email:
            raise CommandError(f"Somebody has an account named {OWNER}; say whose debate it is with --user.")
    if owner is None:
        raise CommandError(f"--user {username}: there is no such account.")
    return owner


async def _debate(owner: AbstractUser, new: forms.NewConversation, console: Console) -> str:
    conversation = await services.start(owner, new)
    console.print(Rule(Text(_printable(new.topic), style="bold")))
    show = _Show(console)
    with _typing(owner, conversation.pk, show):
        try:
            await _watch(conversation.pk, show)
        except asyncio.CancelledError:
            # Ctrl-C: nobody is here to go on with it.
            with contextlib.suppress(OutcryError):
                await services.control(owner, conversation.pk, forms.Command(action=Action.CANCEL))
            await _watch(conversation.pk, show)
            raise
    return show.status


async def _watch(conversation: UUID, show: "_Show") -> None:
    async for entry in follow(conversation, show.head):
        show.event(entry)


@contextmanager
def _typing(owner: AbstractUser, conversation: UUID, show: "_Show") -> Iterator[None]:
    """Each line that is typed answers the question that is open, or else is said to the panel."""
    if not sys.stdin.isatty():
        yield
        return
    loop = asyncio.get_running_loop()
    saying: set[asyncio.Task[None]] = set()

    async def say(text: str) -> None:
        try:
            words = forms.parse_input({"text": text, "reply_to": show.question})
            await services.say(owner, conversation, words)
        except OutcryError as refused:
            show.refusal(refused.message)

    def typed() -> None:
        if text := sys.stdin.readline().strip():
            saying.add(task := loop.create_task(say(text)))
            task.add_done_callback(saying.discard)

    loop.add_reader(sys.stdin, typed)
    try:
        yield
    finally:
        loop.remove_reader(sys.stdin)


class _Show:
    """Prints events as they come."""

    def __init__(self, console: Console) -> None:
        self.status = Status.QUEUED.value
        self.mode = Mode.LIVE.value
        self.head = 0
        # The question that waits for an answer.
        self.question: str | None = None
        self._console = console
        self._colours: dict[str, str] = {}
        self._shown: dict[str, str] = {}

    def event(self, entry: Entry) -> None:
        data = entry.data
        self.head = entry.seq
        match entry.type:
            case "status":
                self.status, self.mode = data["status"], data["mode"]
                reason = f" ({data['reason']})" if data["reason"] else ""
                self._line(f"[dim]{escape(self.status)}{escape(reason)}[/dim]")
            case "message_start":
                colour = self._colours.setdefault(data["role"], COLOURS[len(self._colours) % len(COLOURS)])
                demo = " [black on yellow] DEMO [/]" if data["mode"] == "demo" else ""
                by = f"round {data['round']}, {_printable(data['provider'])} {_printable(data['model'])}"
                self._line(f"\n[bold {colour}]{escape(data['agent'])}[/] [dim]{escape(by)}[/dim]{demo}")
                self._shown[data["message"]] = ""
            case "token":
                self._shown[data["message"]] += data["text"]
                self._text(data["text"])
            case "agent_message":
                # What was not streamed comes whole.
                self._text(data["content"][len(self._shown[data["message"]]) :])
                self._line("")
            case "message_discard":
                self._line(
                    f"\n[yellow]This message was cut ({escape(data['reason'])}); it is spoken again.[/]"
                )
            case "input_request":
                self.question = data["request"]
                self._line(
                    f"\n[bold yellow]{escape(data['agent'])} asks you:[/] {escape(_printable(data['prompt']))}"
                )
            case "input_expired":
                self.question = None
                self._line("[dim]Nobody answered in time; the debate goes on.[/dim]")
            case "human_message":
                self.question = None if data["reply_to"] == self.question else self.question
                self._line(f"\n[bold]{escape(data['author'])}:[/] {escape(_printable(data['text']))}")
            case "error":
                self._line(f"\n[red]{escape(data['code'])}: {escape(data['message'])}[/]")
            case "complete":
                self._verdict(data)

    def refusal(self, sentence: str) -> None:
        self._line(f"\n[red]{escape(sentence)}[/]")

    def _verdict(self, data: dict[str, Any]) -> None:
        self._console.print(Rule("Verdict"))
        confidence = "not stated" if data["confidence"] is None else f"{data['confidence']:.0%}"
        self._line(f"[bold]{escape(data['verdict'].replace('_', ' '))}[/], confidence {confidence}")
        if data["reason"]:
            self._line(f"Reason: {escape(data['reason'])}")
        for title in ("consensus", "dissent", "horizon"):
            if data[title]:
                self._line(f"[bold]{title.capitalize()}:[/] {escape(_printable(data[title]))}")
        for title in ("key_points", "risks"):
            for point in data[title]:
                self._line(f"[bold]{title.replace('_', ' ').capitalize()}:[/] {escape(_printable(point))}")
        self._line(f"[dim]Cost: {review.usd(data['cost_summary']['usd'])}[/dim]")

    def _line(self, markup: str) -> None:
        self._console.print(markup)

    def _text(self, text: str) -> None:
        self._console.print(Text(_printable(text)), end="", soft_wrap=True)


def _printable(text: str) -> str:
    """Without control characters: a model's words must not steer a terminal."""
    return "".join(
        character for character in text if character in "\n\t" or unicodedata.category(character) != "Cc"
    )
