"""`manage.py debate`: a debate in the terminal."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from conversations.domain import transcript
from conversations.domain.frames import Frame
from conversations.event_log import queries
from conversations.models import Conversation
from conversations.runs import loading
from streaming.transports.terminal import view
from tests.fakes.openai_server import OpenAIServer, in_thread
from tests.fakes.replies import asks, fails, says
from tests.fakes.waiting import Gate, Signal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def model(settings: Settings) -> Iterator[OpenAIServer]:
    """The stand-in for a model provider, beside the command's own event loop."""
    # The first debate of a process imports AG2, for longer than tests wait on a busy machine.
    asyncio.run(loading.load())
    with in_thread() as server:
        settings.OUTCRY_PROVIDERS = [server.provider]
        yield server


def test_a_debate_is_shown_in_order_and_stored(
    model: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("debate", "Is gold a hedge?", rounds=1)
    shown = capsys.readouterr().out
    places = [
        shown.index(name) for name in ("Financial Analyst", "Market Context", "Risk Challenger", "Verdict")
    ]
    assert places == sorted(places)
    assert "Is gold a hedge?" in shown
    assert "buy, confidence 64%" in shown
    assert "Cost: unknown" in shown
    conversation = Conversation.objects.get()
    assert (conversation.status, conversation.owner.get_username()) == ("completed", "terminal")


def test_a_debate_that_fails_ends_the_command_with_1_and_says_why(
    model: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    model.answer(fails(401))
    with pytest.raises(SystemExit) as ended:
        call_command("debate", "Is gold a hedge?")
    assert ended.value.code == 1
    assert "provider_unauthorized" in capsys.readouterr().out


def test_a_models_words_cannot_steer_the_terminal(
    model: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    model.answer(says("\x1b]0;owned\x07", "\x1b[2J", "[bold red]plain[/]", "\r", "words"))
    call_command("debate", "Is gold a hedge?", rounds=1)
    shown = capsys.readouterr().out
    assert "\x1b]0;" not in shown
    assert "\x07" not in shown
    assert "\x1b[2J" not in shown
    assert "[bold red]plain[/]" in shown


def test_a_file_is_argued_about_under_an_account(
    model: OpenAIServer, transactional_db: None, tmp_path: Path
) -> None:
    User.objects.create(username="alice")
    note = tmp_path / "note.txt"
    note.write_text("Margins rose to 61 %.", encoding="utf-8")
    call_command("debate", "Is it cheap?", content_file=note, content_type="research", rounds=1, user="alice")
    conversation = Conversation.objects.get()
    assert (conversation.content, conversation.content_type) == ("Margins rose to 61 %.", "research")
    assert conversation.owner.get_username() == "alice"


@pytest.mark.parametrize(
    ("topic", "options", "said"),
    [
        ("", {}, "topic: Enter at least 1 character"),
        ("Buy?", {"rounds": 7}, "rounds: Enter 6 or less"),
        ("Buy?", {"user": "nobody"}, "--user nobody: there is no such account"),
        (
            "Buy?",
            {"content_file": Path("/nowhere/note.txt")},
            "--content-file /nowhere/note.txt cannot be read",
        ),
        ("Buy?", {"source": [Path("/nowhere/note.pdf")]}, "--source /nowhere/note.pdf cannot be read"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    model: OpenAIServer, topic: str, options: dict[str, object], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("debate", topic, **options)
    assert not Conversation.objects.exists()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Standard input is a terminal; what is written to this descriptor is typed into it."""
    keyboard, screen = os.openpty()
    with os.fdopen(screen) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield keyboard
    os.close(keyboard)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Returns once an event of this type has been shown."""
    signal_, types = Signal(), set()
    show = view.DebateView.event

    def event(self: view.DebateView, frame: Frame) -> None:
        show(self, frame)
        types.add(frame.type)
        signal_.notify()

    monkeypatch.setattr(view.DebateView, "event", event)
    return lambda type_: signal_.block_until(lambda: type_ in types)


def test_what_is_typed_is_said_to_the_panel(
    model: OpenAIServer, terminal: int, shown: Callable[[str], None]
) -> None:
    gate = Gate()
    model.answer(says("First.", gate=gate), to="Financial Analyst")

    def type_() -> None:
        shown("message_start")
        os.write(terminal, b"\nMind the lease.\n")
        shown("human_message")
        gate.open()

    typist = threading.Thread(target=type_)
    typist.start()
    call_command("debate", "Is gold a hedge?", rounds=1)
    typist.join()
    said = transcript.fold(queries.read_all(Conversation.objects.get().pk))["humans"]
    assert said == [{"author": "terminal", "text": "Mind the lease.", "reply_to": None, "to": None}]


def test_what_is_typed_while_an_agent_asks_is_its_answer(
    model: OpenAIServer,
    terminal: int,
    capsys: pytest.CaptureFixture[str],
    shown: Callable[[str], None],
) -> None:
    model.answer(asks("Which horizon?"), to="Financial Analyst")

    def type_() -> None:
        shown("input_request")
        os.write(terminal, b"Five years.\n")

    typist = threading.Thread(target=type_)
    typist.start()
    call_command("debate", "Is gold a hedge?", rounds=1)
    typist.join()
    printed = capsys.readouterr().out
    assert "Financial Analyst asks you: Which horizon?" in printed
    state = transcript.fold(queries.read_all(Conversation.objects.get().pk))
    [human] = state["humans"]
    assert (human["text"], human["reply_to"]) == ("Five years.", state["requests"][0]["request"])


def test_typed_commands_skip_a_question_and_ask_for_the_verdict(
    model: OpenAIServer,
    terminal: int,
    capsys: pytest.CaptureFixture[str],
    shown: Callable[[str], None],
    tmp_path: Path,
) -> None:
    gate = Gate()
    model.answer(asks("Which horizon?"), to="Financial Analyst")
    model.answer(says("The rest.", gate=gate), to="Financial Analyst")

    def type_() -> None:
        shown("input_request")
        os.write(terminal, b"/skip\n")
        shown("input_expired")
        os.write(terminal, b"/conclude\n")
        shown("control")
        gate.open()

    source = tmp_path / "note.md"
    source.write_text("# Note\n\nMargins rose to 61 %.", encoding="utf-8")
    typist = threading.Thread(target=type_)
    typist.start()
    call_command("debate", "Is gold a hedge?", source=[source], rounds=2)
    typist.join()
    assert "Skipped by terminal. The debate continues." in capsys.readouterr().out
    conversation = Conversation.objects.get()
    state = transcript.fold(queries.read_all(conversation.pk))
    assert (state["requests"][0]["skipped_by"], state["reason"]) == ("terminal", "concluded")
    assert [source.name for source in conversation.sources] == ["note.md"]


def test_ctrl_c_cancels_the_debate_and_keeps_what_was_said(model: OpenAIServer) -> None:
    gate = Gate()
    model.answer(says("Half ", "a sentence.", gate=gate), to="Financial Analyst")
    gate.let()

    def interrupt() -> None:
        gate.signal.block_until(lambda: gate.waiting >= 2)
        model.changed.block_until(lambda: model.asked[0].sent >= 1)
        os.kill(os.getpid(), signal.SIGINT)

    person = threading.Thread(target=interrupt)
    person.start()
    with pytest.raises(SystemExit) as ended:
        call_command("debate", "Is gold a hedge?", rounds=1)
    person.join()
    assert ended.value.code == 130
    state = transcript.fold(queries.read_all(Conversation.objects.get().pk))
    assert (state["status"], state["controls"]) == ("cancelled", [{"action": "cancel", "actor": "terminal"}])
    assert {message["state"] for message in state["messages"]} <= {"done", "discarded"}
    model.changed.block_until(lambda: model.asked[0].closed_early)
