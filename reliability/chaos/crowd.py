"""A watcher who comes back, with its cursor, however often the servers go away."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from websockets.exceptions import InvalidHandshake, InvalidMessage

from conversations.domain import transcript
from conversations.domain.enums import TERMINAL
from reliability.chaos.installation import Installation
from streaming.wire.close_codes import Close
from tests.e2e import programs
from tests.support.frames import fold_frames

# As a browser does, but sooner.
COME_BACK_SECONDS = 0.2


@dataclass
class Watcher:
    """Follows one conversation, at any server there is. `breaks` says what was not as promised; `heard` is when words
    came, in seconds since 1970."""

    installation: Installation
    conversation: str
    state: transcript.State = field(default_factory=transcript.empty)
    breaks: list[str] = field(default_factory=list)
    states_of_stream: list[str] = field(default_factory=list)
    heard: list[float] = field(default_factory=list)
    visits: int = 0

    async def follow(self) -> None:
        """Return once the conversation has ended and all of it is here."""
        while True:
            for url in self.installation.urls:
                try:
                    code = await self._visit(url)
                except (OSError, InvalidHandshake, InvalidMessage, TimeoutError):
                    # The server is down at the moment.
                    continue
                if code == Close.ENDED:
                    return
                if code is not None and 4400 <= code < Close.FAULT:
                    self.breaks.append(f"{self.conversation}: turned away with {code}")
                    return
            await asyncio.sleep(COME_BACK_SECONDS)

    async def _visit(self, url: str) -> int | None:
        site = self.installation.seen_from(url)
        path = f"/ws/conversations/{self.conversation}/?after={self.state['head']}"
        async with programs.socket(site, self.installation.cookies, path) as connection:
            self.visits += 1
            async for frame in programs.frames(connection):
                if frame["type"] == "hello" and not frame["data"]["recovered"]:
                    self.breaks.append(f"{self.conversation}: not recovered after {self.state['head']}")
                    self.state = transcript.empty()
                if frame["type"] == "stream":
                    self.states_of_stream.append(frame["data"]["state"])
                if frame["type"] in {"token", "agent_message"}:
                    self.heard.append(time.time())
                try:
                    fold_frames([frame], self.state)
                except ValueError as gap:
                    self.breaks.append(f"{self.conversation}: {gap}")
                    return None
        return connection.close_code


@dataclass
class Crowd:
    """A watcher for each debate, or several."""

    installation: Installation
    watchers: dict[str, Watcher] = field(default_factory=dict)
    # Of debates that several watch.
    others: list[Watcher] = field(default_factory=list)
    _following: list["asyncio.Task[None]"] = field(default_factory=list)

    def watch(self, conversation: str, times: int = 1) -> Watcher:
        """The first of so many watchers."""
        watcher = self.watchers[conversation] = Watcher(self.installation, conversation)
        others = [Watcher(self.installation, conversation) for _ in range(times - 1)]
        self.others += others
        self._following += [asyncio.create_task(it.follow()) for it in (watcher, *others)]
        return watcher

    async def ended(self, seconds: float) -> list[str]:
        """Wait until all watchers have seen the end, and compare each with a fresh read; a sentence a difference."""
        if self._following:
            _, late = await asyncio.wait(self._following, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        missed = [it for watcher in (*self.watchers.values(), *self.others) for it in watcher.breaks]
        missed += [
            f"{other.conversation}: one watcher has other words than another"
            for other in self.others
            if other.state != self.watchers[other.conversation].state
        ]
        anew = await asyncio.gather(*(self._read_anew(watcher) for watcher in self.watchers.values()))
        return missed + [it for found in anew for it in found]

    async def _read_anew(self, watcher: Watcher) -> Sequence[str]:
        if watcher.state["status"] not in TERMINAL:
            return [f"{watcher.conversation}: its watcher saw no end, but {watcher.state['status']}"]
        fresh = Watcher(self.installation, watcher.conversation)
        await asyncio.wait_for(fresh.follow(), 60)
        if fresh.state == watcher.state:
            return []
        different = [key for key in fresh.state if fresh.state[key] != watcher.state.get(key)]
        return [f"{watcher.conversation}: its watcher has other {', '.join(different)} than a fresh reader"]

    def leave(self) -> None:
        for task in self._following:
            task.cancel()
