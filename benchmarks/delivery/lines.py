"""The protocol between the bench and a server under test: a command is a line, an answer is a line of JSON.

The server says first where it is: `address`, the `paths` of its conversations, and the `headers` it wants. Then

    begin    all is said; answers {"behind_ms"} when the last of it is handed over
    end      the conversations end; answers with what the server counted
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from benchmarks.delivery.load import Load
from benchmarks.delivery.speech import Said, Speech


class Speaker(Protocol):
    """A server's way of saying something to a conversation's watchers."""

    async def say(self, conversation: int, said: Said) -> None: ...

    async def end(self) -> Mapping[str, int]:
        """End every conversation; what was counted."""


def report(values: Mapping[str, Any]) -> None:
    print(json.dumps(values), flush=True)


async def obey(
    speaker: Speaker, load: Load, address: tuple[str, int], paths: list[str], headers: Mapping[str, str]
) -> None:
    """Print the server's address, execute commands until standard input is closed, and ask the process to stop."""
    report({"address": address, "paths": paths, "headers": headers})
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        match line.strip():
            case "begin":
                speech = Speech(load, speaker.say)
                await speech.run()
                report({"behind_ms": speech.behind * 1e3})
            case "end":
                report(await speaker.end())
            case unknown:
                raise ValueError(f"Unexpected command {unknown!r}, use 'begin' or 'end'.")
    os.kill(os.getpid(), signal.SIGTERM)
