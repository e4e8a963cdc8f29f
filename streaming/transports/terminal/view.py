"""Shows a debate in a terminal."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.text import Text

from conversations.domain import figures, formatting, requests, steps
from conversations.domain.enums import Action, Status
from conversations.domain.errors import OutcryError
from conversations.domain.finish_reasons import cut_note
from conversations.domain.frames import Data, Frame
from conversations.domain.texts import cleaned
from conversations.domain.thoughts import Thoughts
from conversations.infrastructure.event_loop import BackgroundTasks
from conversations.services import debates
from streaming.wire.text_deltas import TextDeltas

# Typed lines that are commands.
SKIP: Final = "/skip"
CONCLUDE: Final = "/conclude"
COLOURS = ("cyan", "green", "magenta", "yellow", "blue")


@contextmanager
def typed_messages(owner: AbstractUser, conversation: UUID, view: "DebateView") -> Iterator[None]:
    """Sends each typed line as the answer to the open question, or else as a message to the analysts; `/skip` and
    `/conclude` are commands."""
    if not sys.stdin.isatty():
        yield
        return
    loop, tasks = asyncio.get_running_loop(), BackgroundTasks()

    async def say(text: str) -> None:
        try:
            if text == CONCLUDE:
                await debates.control(owner, conversation, requests.Command(action=Action.CONCLUDE))
                return
            said = None if text == SKIP else text
            message = requests.Input.parse({"text": said, "reply_to": view.question})
            await debates.say(owner, conversation, message)
        except OutcryError as refused:
            view.refusal(refused.message)

    def read_line() -> None:
        if text := sys.stdin.readline().strip():
            tasks.spawn(say(text))

    loop.add_reader(sys.stdin, read_line)
    try:
        yield
    finally:
        loop.remove_reader(sys.stdin)


class DebateView:
    """Prints events as they come."""

    def __init__(self, console: Console) -> None:
        self.status = Status.QUEUED.value
        self.head = 0
        # The id of the open question.
        self.question: str | None = None
        self._console = console
        self._colours: dict[str, str] = {}
        self._deltas = TextDeltas()
        self._thoughts = Thoughts()

    def event(self, frame: Frame) -> None:
        data = frame.data
        self.head = frame.seq
        if self._thoughts.has(frame):
            return
        match frame.type:
            case "status":
                self.status = data["status"]
                reason = f" ({data['reason']})" if data["reason"] else ""
                self._line(f"[dim]{escape(self.status)}{escape(reason)}[/dim]")
            case "message_start":
                colour = self._colours.setdefault(data["role"], COLOURS[len(self._colours) % len(COLOURS)])
                demo = " [black on yellow] DEMO [/]" if data["mode"] == "demo" else ""
                by = f"round {data['round']}, {printable(data['provider'])} {printable(data['model'])}"
                self._line(f"\n[bold {colour}]{escape(data['agent'])}[/] [dim]{escape(by)}[/dim]{demo}")
            case "token":
                self._text(self._deltas.take(frame))
            case "agent_message":
                self._text(self._deltas.take(frame))
                note = cut_note(data)
                self._line(f"\n[yellow]{escape(note)}[/]" if note else "")
            case "figures" if data["final"] and data["items"]:
                self._line(f"[dim]{escape(printable(figures.note(data['items'])))}[/dim]")
            case "message_discard":
                self._line(
                    f"\n[yellow]This message was interrupted ({escape(data['reason'])}) and will be repeated.[/]"
                )
            case "routing" | "tool_start" | "tool_end" | "tool_error" if done := steps.line(frame.type, data):
                self._line(f"[dim]{escape(printable(done))}[/dim]")
            case "input_request":
                self.question = data["request"]
                self._line(
                    f"\n[bold yellow]{escape(data['agent'])} asks you:[/] {escape(printable(data['prompt']))}"
                )
            case "input_expired":
                self.question = None
                why = printable(formatting.unanswered(data))
                self._line(f"[dim]{escape(why)} The debate continues.[/dim]")
            case "human_message":
                self.question = None if data["reply_to"] == self.question else self.question
                self._line(f"\n[bold]{escape(data['author'])}:[/] {escape(printable(data['text']))}")
            case "error":
                self._line(f"\n[red]{escape(data['code'])}: {escape(data['message'])}[/]")
            case "complete":
                self._verdict(data)

    def refusal(self, sentence: str) -> None:
        self._line(f"\n[red]{escape(sentence)}[/]")

    def _verdict(self, data: Data) -> None:
        texts = dict(formatting.verdict(data))
        if texts:
            self._console.print(Rule("Verdict"))
            confidence = f", confidence {texts['Confidence']}" if "Confidence" in texts else ""
            self._line(f"[bold]{escape(texts['Stance'])}[/]{confidence}")
        for label, text in texts.items():
            # The summary was just shown as the moderator's message.
            if label not in {"Stance", "Confidence", "Summary"}:
                self._line(f"[bold]{label}:[/] {escape(printable(text))}")
        self._line(f"[dim]Cost: {formatting.charge(data['cost_summary']['usd'])}[/dim]")

    def _line(self, markup: str) -> None:
        self._console.print(markup)

    def _text(self, text: str) -> None:
        self._console.print(Text(printable(text)), end="", soft_wrap=True)


def printable(text: str) -> str:
    """The text without control characters: a model must not control the terminal."""
    return cleaned(text).replace("\0", "")
