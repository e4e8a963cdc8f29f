"""`manage.py debate`: a debate in the terminal."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from conversations.models import Conversation
from tests.fakes.openai_server import OpenAIServer, in_thread
from tests.fakes.replies import fails, says

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def model(settings: Settings) -> Iterator[OpenAIServer]:
    """The stand-in for a model provider, beside the command's own event loop."""
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
        ("", {}, "topic: This is empty"),
        ("Buy?", {"rounds": 7}, "rounds: Too large; use 6 or less"),
        ("Buy?", {"user": "nobody"}, "--user nobody: there is no such account"),
        (
            "Buy?",
            {"content_file": Path("/nowhere/note.txt")},
            "--content-file /nowhere/note.txt cannot be read",
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    model: OpenAIServer, topic: str, options: dict[str, object], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("debate", topic, **options)
    assert not Conversation.objects.exists()
