"""What only debates need is imported by processes that run debates, in a thread, while everything else goes on."""

import asyncio
import os
import subprocess
import sys
import threading
from contextlib import aclosing
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from conversations.event_log import appender
from conversations.models import Conversation
from conversations.runs import loading, supervisor
from streaming.hub.subscription import follow
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support import debates

HEAVY = ("ag2", "openai", "anthropic", "google.genai", "ollama", "aiohttp", "genai_prices", "daphne")
PROGRAM = f"""
import os, sys
os.environ["OUTCRY_RUNNER"] = "worker"
import config.asgi
from django.core.checks import run_checks
run_checks()
print([name for name in {HEAVY} if name in sys.modules])
"""

LOADING = """
import sys
import django
django.setup()
from conversations.runs import loading
loading.import_all()
print([name for name in ("anthropic", "google.genai", "ollama") if name in sys.modules])
from ag2.config.gemini import GeminiConfig
print(GeminiConfig.__name__)
"""


def test_a_web_process_in_worker_mode_imports_no_sdk_and_no_daphne() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "[]\n"


def test_only_the_sdks_of_configured_providers_are_imported() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LOADING],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "OUTCRY_PROVIDERS": "ollama:llama3.2",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "['ollama']\nGeminiConfig\n"


@pytest.mark.django_db(transaction=True)
async def test_watchers_are_served_while_the_first_run_waits_for_the_import(
    alice: User, conversation: Conversation, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    importing, imported = threading.Event(), threading.Event()

    def slowly() -> None:
        importing.set()
        assert imported.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(loading, "import_all", slowly)
    other = await debates.created(alice)
    start = debates.message_start(uuid4())
    words = debates.tokens(start.message, ["One ", "two ", "three."])
    run = supervisor.launch(conversation.pk)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), aclosing(follow(other.pk, 1)) as entries:
            assert await asyncio.to_thread(importing.wait, PATIENCE_SECONDS)
            for event in (start, *words):
                await appender.append(other.pk, event)
                assert (await anext(entries)).type == event.type
        assert debates.statuses(await debates.rows(conversation)) == ["queued"]
        assert not run.done()
    finally:
        imported.set()
    await run
    assert debates.statuses(await debates.rows(conversation))[-1] == "completed"
