"""AG-UI's own client, `@ag-ui/client` from npm, run by Node.js."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.servers import ROOT

SECONDS = 60.0
# Where the set-up puts it, which serves every Python; else the system's.
_FOLDERS = [Path(sys.prefix) / "bin", ROOT / ".venv" / "bin", *map(Path, os.get_exec_path())]
NODE = shutil.which("node", path=os.pathsep.join(map(str, _FOLDERS))) or "node"
# An event is one line.
_LONGEST_LINE = 8 * 1024 * 1024


@dataclass
class End:
    """How a run ended. `run` is resolved or rejected; `errors` are those that RUN_ERROR told; `messages` and `state`
    are the agent's."""

    run: str
    messages: list[dict[str, Any]]
    state: Any
    errors: list[dict[str, str]]
    result: Any = None
    newMessages: list[dict[str, Any]] = field(default_factory=list)  # noqa: N815
    failure: str = ""
    status: int | None = None
    payload: Any = None


@dataclass
class Agent:
    """An HttpAgent. `events` are those of its newest run."""

    process: asyncio.subprocess.Process
    events: list[dict[str, Any]] = field(default_factory=list)

    async def begin(self, **parameters: Any) -> None:
        """Begin a run; a `message` is added to the agent's before."""
        self.events.clear()
        assert self.process.stdin is not None
        self.process.stdin.write(f"{json.dumps(parameters)}\n".encode())
        await self.process.stdin.drain()

    async def until(self, type_: str, **values: Any) -> dict[str, Any]:
        """The next event of this type with these values."""
        while isinstance(line := await self._next(), dict):
            if line["type"] == type_ and values.items() <= line.items():
                return line
        raise AssertionError(f"the run ended before {type_} {values}: {line}")

    async def ended(self) -> End:
        while isinstance(line := await self._next(), dict):
            pass
        return line

    async def run(self, **parameters: Any) -> End:
        await self.begin(**parameters)
        return await self.ended()

    async def _next(self) -> dict[str, Any] | End:
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            line = json.loads(await self.process.stdout.readline())
        if "end" in line:
            return End(**line["end"])
        self.events.append(line["event"])
        event: dict[str, Any] = line["event"]
        return event


def place(folder: Path, *scripts: Path) -> None:
    """Make a folder in which Node.js finds the front end's packages, with these scripts in it."""
    (folder / "node_modules").symlink_to(ROOT / "frontend" / "node_modules")
    for script in scripts:
        shutil.copy(script, folder)


@asynccontextmanager
async def agent(folder: Path, site: str, key: str, **options: Any) -> AsyncIterator[Agent]:
    """An agent of the site, for the owner of the key; `options` as HttpAgent takes them."""
    if not (folder / "node_modules").exists():
        place(folder, ROOT / "tests" / "clients" / "agui.mjs")
    headers = {"Authorization": f"Bearer {key}"}
    given = json.dumps({"agent": {"url": f"{site}/ag-ui/", "headers": headers, **options}})
    async with node(folder, "agui.mjs", given) as process:
        yield Agent(process)


@asynccontextmanager
async def node(folder: Path, *arguments: str, **env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A script in Node.js that is spoken to by lines, and ended with the context."""
    process = await asyncio.create_subprocess_exec(
        NODE,
        *arguments,
        cwd=folder,
        env={**os.environ, **env},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
