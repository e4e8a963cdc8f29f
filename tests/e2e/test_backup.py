"""docs/deploy.md's backup and restore, by its very commands: taken in mid-debate, it holds every word that was stored,
and the debate goes on from there."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg
import pytest

from conversations.domain import transcript
from conversations.domain.events import AgentMessage
from reliability.chaos.audit import altered, unsound
from reliability.chaos.stores import PostgreSQL, SQLite, Store
from tests.e2e import programs
from tests.e2e.conftest import spoken_by
from tests.e2e.site import ROOT, running_beside
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate
from tests.support import servers
from tests.support.frames import fold_frames

pytestmark = pytest.mark.e2e

FINISHED = "The debts are high."


def commands(heading: str) -> str:
    """The shell commands under a heading of the page."""
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    found = re.search(rf"^#+ {re.escape(heading)}$.*?^```sh$(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def shell(heading: str, folder: Path, env: Mapping[str, str]) -> None:
    server = servers.find("pg_dump")
    path = f"{ROOT / '.venv' / 'bin'}:{server.parent if server else ''}:{os.environ['PATH']}"
    subprocess.run(
        ["sh", "-euc", commands(heading)], cwd=folder, env={**os.environ, **env, "PATH": path}, check=True
    )


@contextmanager
def kept(kind: str, folder: Path) -> Iterator[tuple[Store, Store]]:
    """A store, and the one that is restored."""
    if kind == "SQLite":
        (folder / "second").mkdir()
        yield SQLite(folder), SQLite(folder / "second")
        return
    with PostgreSQL.cluster() as first:
        with closing(psycopg.connect(first.url, autocommit=True)) as connection:
            connection.execute("CREATE DATABASE second")
        second = object.__new__(PostgreSQL)
        second.url = urlunsplit(urlsplit(first.url)._replace(path="/second"))
        yield first, second


@asynccontextmanager
async def half_way(
    model: OpenAIServer, env: Mapping[str, str], folder: Path
) -> AsyncIterator[tuple[str, Gate]]:
    """A site whose Market Context has begun to speak; the conversation, and the gate before the next word."""
    gate = Gate()
    model.answer(says(FINISHED), to="Financial Analyst")
    model.answer(says("One ", "two ", "three.", gate=gate), to="Market Context")
    async with running_beside(folder, env) as site:
        cookies = await asyncio.to_thread(programs.signed_in, site)
        async with programs.socket(site, cookies) as watcher:
            await watcher.send('{"type": "start", "topic": "Is Tarnwick worth buying?", "rounds": 1}')
            async for frame in programs.frames(watcher):
                if frame["type"] == "message_start" and frame["data"]["agent"] == "Market Context":
                    gate.let()
                if frame["type"] == "token" and "One" in frame["data"]["text"]:
                    break
        yield frame["conversation"], gate
        # As a machine that is lost.
        site.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(site.process.wait)


@pytest.mark.parametrize("kind", ["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.postgres)])
async def test_what_was_backed_up_in_mid_debate_is_whole_and_the_debate_goes_on(
    kind: str, model: OpenAIServer, model_port: int, tmp_path: Path
) -> None:
    lease = {"OUTCRY_LEASE_SECONDS": "2", "OUTCRY_LEASE_HEARTBEAT_SECONDS": "0.5"}
    with kept(kind, tmp_path) as (first, second):
        env = {**spoken_by(model_port), **lease, "DATABASE_URL": first.url}
        (tmp_path / "var").symlink_to(tmp_path)
        (tmp_path / ".venv").symlink_to(ROOT / ".venv")
        async with half_way(model, env, tmp_path) as (conversation, gate):
            await asyncio.to_thread(shell, f"{kind}: backup", tmp_path, {"DATABASE_URL": first.url})
        before = first.log()
        if isinstance(second, SQLite):
            (tmp_path / "outcry.sqlite3").unlink()
            for leftover in tmp_path.glob("outcry.sqlite3-*"):
                leftover.unlink()
        await asyncio.to_thread(shell, f"{kind}: restore", tmp_path, {"DATABASE_URL": second.url})
        restored = first if isinstance(first, SQLite) else second
        assert altered(restored.log(), before) == []
        assert any(FINISHED in row.data for row in restored.log()[UUID(conversation).hex])

        kept_rows = restored.log()
        gate.open()
        async with running_beside(tmp_path, {**env, "DATABASE_URL": restored.url}) as site:
            cookies = await asyncio.to_thread(programs.signed_in, site)
            path = f"/ws/conversations/{conversation}/"
            async with programs.socket(site, cookies, path) as watcher:
                heard = [event async for event in programs.frames(watcher)]
        assert altered(kept_rows, restored.log()) == []
        assert unsound(restored.log(), restored.standings()) == []
        state = fold_frames(heard)
        assert state["status"] == "completed"
        assert proof(restored, conversation) == state["complete"]["transcript_sha256"]


def proof(store: Store, conversation: str) -> str:
    """The digest of what was said, computed from the stored rows."""
    said: dict[Any, AgentMessage] = {}
    for row in store.log()[UUID(conversation).hex]:
        data = json.loads(row.data)
        if row.type == "agent_message":
            said[data["message"]] = AgentMessage.model_validate(data)
        elif row.type == "message_discard":
            said.pop(data["message"], None)
    return transcript.digest(said.values())
