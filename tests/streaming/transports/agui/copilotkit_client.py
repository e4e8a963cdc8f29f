"""A chat by CopilotKit, with the runtime of docs/clients.md: both from npm, run by Node.js."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.streaming.transports.agui.client import SECONDS, node
from tests.support.recipes import recipe
from tests.support.servers import ROOT

PACKAGES = ROOT / "tests" / "clients" / "node_modules"


@dataclass
class Answer:
    """The chat after a message. `errors` are those that its run told; `messages` and `state` are the agent's."""

    errors: list[dict[str, str]]
    messages: list[dict[str, Any]]
    state: Any


@dataclass
class Chat:
    """What a page with CopilotKit's components would show."""

    process: asyncio.subprocess.Process

    async def say(self, id_: str, text: str) -> Answer:
        """Send a message, and wait for the end of what it brings about."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps({'id': id_, 'role': 'user', 'content': text})}\n".encode())
        async with asyncio.timeout(SECONDS):
            return Answer(**json.loads(await self.process.stdout.readline()))


@asynccontextmanager
async def chat(folder: Path, site: str, key: str) -> AsyncIterator[Chat]:
    """A chat on another site, whose runtime is the recipe's and has this key."""
    require_packages()
    (folder / "node_modules").symlink_to(PACKAGES)
    shutil.copy(PACKAGES.parent / "copilotkit.mjs", folder)
    (folder / "route.mjs").write_text(recipe("CopilotKit"))
    told = {"OUTCRY_URL": site, "OUTCRY_KEY": key, "COPILOTKIT_TELEMETRY_DISABLED": "true"}
    async with node(folder, "copilotkit.mjs", **told) as process:
        yield Chat(process)


def require_packages() -> None:
    """Skip where the clients' packages are not installed; in CI that is a failure."""
    if not PACKAGES.exists():
        reason = "the clients of tests/clients are not installed: `make test` or `npm ci` there does it"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
