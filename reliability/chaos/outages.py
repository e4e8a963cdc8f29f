"""Outages of what a debate needs: the database, the channel layer, disk space, the local model."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from reliability.chaos import audit
from reliability.chaos.figures import Row
from reliability.chaos.installation import RefusedError, all_ended, until
from reliability.chaos.kills import Kill, Scene, paced, scene
from reliability.chaos.stores import Log, PostgreSQL, Redis, SQLite, Standings, Store
from tests.fakes.openai_server import OpenAIServer
from tests.support import servers

# Seconds for which the installation retries; longer than any outage here.
PATIENT = {"OUTCRY_DATABASE_PATIENCE_SECONDS": "90"}
MEBIBYTE = 2**20


async def away(
    name: str,
    store: Store,
    folder: Path,
    outage: Callable[[], AbstractContextManager[None]],
    *,
    times: int,
    seconds: float,
    env: Mapping[str, str] | None = None,
    pauses: bool = True,
) -> Row:
    """Something is away for so many seconds in mid-debate, and comes back: all debates are completed, nobody has missed
    a word. `pauses`: nothing can be stored meanwhile, so what counts is how soon words come afterwards."""
    async with scene(name, store, folder, times, {**PATIENT, **(env or {})}, paced()) as stage:
        server = await stage.installation.start()
        for _ in range(times):
            await stage.top_up(server)
            await _are_speaking(stage)
            began = _now(store)
            with outage():
                await asyncio.sleep(seconds)
            over = time.time()
            stage.row.tried += 1
            if not await until(store, all_ended, every=0.5):
                stage.row.found(["not all debates have ended"])
            log = store.log()
            stage.row.found(audit.altered(began.log, log), lost=True)
            _measure(stage, began, over if pauses else began.at)
        await stage.end()
        _look_for_failed_debates(stage)
        seen = {it for watcher in stage.crowd.watchers.values() for it in watcher.states_of_stream}
        if seen:
            stage.row.notes.append(f"    watchers were told: {', '.join(sorted(seen))}")
        return stage.row


def _now(store: Store) -> Kill:
    # The log first: what the standings know of is more by then, never less.
    log, standings = store.log(), store.standings()
    return Kill(
        time.time(), log, standings, {pk for pk, it in standings.items() if not it.has_ended and pk in log}
    )


async def _are_speaking(stage: Scene) -> None:
    """Return once every debate has words in its log."""

    def all_speak(log: Log, standings: Standings) -> bool:
        return all(
            any(row.type == "token" for row in log.get(pk, []))
            for pk, it in standings.items()
            if not it.has_ended
        )

    await until(stage.store, all_speak)


def _measure(stage: Scene, cut: Kill, since: float) -> None:
    """Seconds from then to the next words that the watchers of these debates receive."""
    for conversation in cut.cut:
        heard = next((at for at in stage.heard(conversation) if at > since), None)
        if heard is not None:
            stage.row.recovered.append(heard - since)


def _look_for_failed_debates(stage: Scene) -> None:
    for conversation, standing in stage.store.standings().items():
        if standing.status != "completed":
            stage.row.found(
                [f"{conversation} is {standing.status}, {standing.reason}; completed is promised"]
            )


async def postgres_away(store: PostgreSQL, folder: Path, *, times: int, seconds: float) -> Row:
    @contextmanager
    def gone() -> Iterator[None]:
        store.stop()
        try:
            yield
        finally:
            store.start()

    return await away(
        f"PostgreSQL is gone for {seconds:g} s", store, folder, gone, times=times, seconds=seconds
    )


async def sqlite_locked(store: SQLite, folder: Path, *, times: int, seconds: float) -> Row:
    return await away(
        f"another program locks SQLite's file for {seconds:g} s",
        store,
        folder,
        store.locked,
        times=times,
        seconds=seconds,
    )


async def redis_away(store: Store, folder: Path, redis: Redis, *, times: int, seconds: float) -> Row:
    @contextmanager
    def gone() -> Iterator[None]:
        redis.stop()
        try:
            yield
        finally:
            redis.start()

    return await away(
        f"Redis is gone for {seconds:g} s",
        store,
        folder,
        gone,
        times=times,
        seconds=seconds,
        env={"REDIS_URL": redis.url},
        pauses=False,
    )


# The disk


@contextmanager
def small_disk(folder: Path, mebibytes: int = 16) -> Iterator[Path | None]:
    """A small file system, or None if it cannot be mounted here."""
    place = folder / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        yield None
        return
    with servers.at_last(f"umount -l {place}"):
        yield place


@contextmanager
def _no_room(place: Path) -> Iterator[None]:
    """Fill the disk."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (MEBIBYTE, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    try:
        yield
    finally:
        ballast.unlink()


async def disk_full(folder: Path, disk: Path, *, times: int, seconds: float) -> Row:
    """SQLite's disk is full in mid-debate: a start is refused with a code, what runs waits, and goes on with room."""
    store = SQLite(disk)
    name = f"the disk is full for {seconds:g} s (SQLite)"
    async with scene(name, store, folder, times, PATIENT, paced()) as stage:
        server = await stage.installation.start()
        for _ in range(times):
            await stage.top_up(server)
            await _are_speaking(stage)
            began = _now(store)
            with _no_room(disk):
                waited = asyncio.create_task(asyncio.sleep(seconds))
                try:
                    async with asyncio.timeout(60):
                        await stage.installation.begin(server, "Is there room?")
                    stage.row.notes.append("    a start found room all the same")
                except RefusedError as refused:
                    stage.row.detected.append(time.time() - began.at)
                    if str(refused) != "storage_full":
                        stage.row.found([f"a start was refused with {refused}; storage_full is promised"])
                except TimeoutError:
                    stage.row.found(["a start got no answer for 60 s"])
                await waited
            over = time.time()
            stage.row.tried += 1
            if not await until(store, all_ended, every=0.5):
                stage.row.found(["not all debates have ended"])
            log = store.log()
            stage.row.found(audit.altered(began.log, log), lost=True)
            _measure(stage, began, over)
        await stage.end()
        _look_for_failed_debates(stage)
        return stage.row


# The local model


async def local_model_dies(store: Store, folder: Path, model: Path, *, times: int, seed: int) -> Row:
    """The local model's process is killed in mid-answer: it is started again, and the turn is spoken again."""
    env = {"OUTCRY_PROVIDERS": "local", "OUTCRY_LOCAL_MODEL": str(model), "OUTCRY_MAX_ANSWER_TOKENS": "200"}
    # The stand-in is not used here.
    async with scene("the local model's process dies", store, folder, seed, env, OpenAIServer()) as stage:
        server = await stage.installation.start()
        for number in range(times):
            before = set(store.standings())
            await stage.top_up(server, debates=1)
            (conversation,) = set(store.standings()) - before
            await until(store, partial(_speaks, conversation=conversation), every=0.02)
            # Read before: what follows may be noticed at once.
            killed = _now(store)
            os.kill(_local_model(folder), signal.SIGKILL)
            stage.row.tried += 1
            if not await until(store, all_ended, every=0.2):
                stage.row.found([f"debate {number + 1} has not ended"])
            log = store.log()
            stage.row.found(audit.altered(killed.log, log), lost=True)
            killed.measure(log, None, stage.row)
            if not any(row.type == "message_discard" for row in log[conversation]):
                stage.row.found([f"{conversation}: no turn was spoken again"])
        await stage.end()
        for conversation, standing in store.standings().items():
            if (standing.status, standing.mode) != ("completed", "live"):
                stage.row.found(
                    [f"{conversation} ended as {standing.status}, {standing.mode}, {standing.reason}"]
                )
        return stage.row


def _speaks(log: Log, _: Standings, conversation: str) -> bool:
    return any(row.type == "token" for row in log.get(conversation, []))


def _local_model(folder: Path) -> int:
    return int(json.loads((folder / "local-model.json").read_text())["pid"])
