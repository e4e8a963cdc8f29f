"""Faults of a cluster in the middle of debates."""

import asyncio
import re
import signal
import time
import urllib.request
from collections.abc import Callable

import psycopg

from reliability.chaos.figures import Row
from reliability.chaos.installation import PATIENCE_SECONDS
from reliability.cluster.stage import Stage, stage
from scripts.cluster import Cluster
from scripts.member import Member

DEBATES = 4


async def worker_dies(cluster: Cluster) -> Row:
    """`kill -9` of a worker: the other one takes its debates, when their leases have lapsed."""
    async with stage("`kill -9` of one of two workers", cluster) as scene:
        await scene.begin(DEBATES, rounds=3)
        await scene.until_spoken()
        runs = {member.name: await asyncio.to_thread(running, cluster, member) for member in cluster.worker}
        dying = max(cluster.worker, key=lambda member: runs[member.name])
        if runs[dying.name] == 0:
            scene.row.found([f"no worker says that it runs a debate: {runs}"])
        at = scene.fault()
        await asyncio.to_thread(_kill, dying)
        await scene.end()
        scene.heard_again(at)
        await asyncio.to_thread(dying.start)
        return scene.row


def running(cluster: Cluster, member: Member) -> int:
    """The number of debates that a process executes, by its metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{cluster.ports[member.name]}/metrics") as answer:
        found = re.search(r"^outcry_debates_running (\d+)", answer.read().decode(), re.MULTILINE)
    assert found is not None
    return int(found[1])


async def web_dies(cluster: Cluster) -> Row:
    """`kill -9` of a web process: its watchers come to the other one."""
    return await _dies("`kill -9` of one of two web processes", cluster, cluster.web[0])


async def redis_dies(cluster: Cluster) -> Row:
    """`kill -9` of Redis, which comes back empty."""
    return await _dies("`kill -9` of Redis", cluster, cluster.redis)


async def postgres_restarts(cluster: Cluster) -> Row:
    """A restart of PostgreSQL, which breaks every connection."""
    async with stage("restart of PostgreSQL", cluster) as scene:
        await scene.begin(DEBATES, rounds=2)
        await scene.until_spoken()
        at = scene.fault()
        await asyncio.to_thread(_restart, cluster.postgres)
        await scene.end()
        scene.heard_again(at)
        await _look_for_listeners(scene)
        return scene.row


async def worker_stops_without_postgres(cluster: Cluster) -> Row:
    """SIGTERM to a worker while PostgreSQL is away: it ends, and its debates go on when the database is back."""
    async with stage("SIGTERM to a worker while PostgreSQL is away", cluster) as scene:
        await scene.begin(DEBATES, rounds=2)
        await scene.until_spoken()
        at = scene.fault()
        await asyncio.to_thread(cluster.postgres.stop)
        leaving = cluster.worker[0]
        code = await asyncio.to_thread(leaving.stop)
        if code != 0:
            scene.row.found([f"{leaving.name} ended with {code}"])
        await asyncio.to_thread(cluster.postgres.start)
        await scene.end()
        scene.heard_again(at)
        await asyncio.to_thread(leaving.start)
        return scene.row


async def _look_for_listeners(scene: Stage) -> None:
    """Each worker LISTENs again after a restart of PostgreSQL; otherwise it would only poll for jobs once a second."""
    cluster = scene.cluster
    if not await _comes_true(lambda: _listeners(cluster) == len(cluster.worker)):
        scene.row.found([f"{_listeners(cluster)} of {len(cluster.worker)} workers listen to the queue"])


def _listeners(cluster: Cluster) -> int:
    with psycopg.connect(cluster.database_url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'LISTEN %'")
        row = found.fetchone()
    assert row is not None
    return int(row[0])


async def _comes_true(true: Callable[[], bool]) -> bool:
    """Whether it becomes true within PATIENCE_SECONDS."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not await asyncio.to_thread(true):
        if time.monotonic() > give_up:
            return False
        await asyncio.sleep(0.1)
    return True


async def _dies(name: str, cluster: Cluster, member: Member) -> Row:
    async with stage(name, cluster) as scene:
        await scene.begin(DEBATES, rounds=2, watchers=2)
        await scene.until_spoken()
        at = scene.fault()
        await asyncio.to_thread(_kill, member)
        await asyncio.to_thread(member.start)
        await scene.end()
        scene.heard_again(at)
        return scene.row


async def everything_restarts(
    cluster: Cluster, debates: int, watchers: int, hurry: Callable[[], None]
) -> Row:
    """A rolling restart, as for an upgrade: Outcry's processes one after the other, then nginx, Redis and PostgreSQL.

    `hurry` is called when all have restarted; the model then answers without pauses."""
    async with stage(f"rolling restart under {debates} debates and {watchers} watchers", cluster) as scene:
        await scene.begin(debates, rounds=6, watchers=watchers // debates)
        await scene.until_spoken()
        for member in (*cluster.worker, *cluster.web, cluster.nginx, cluster.redis, cluster.postgres):
            scene.fault()
            code = await asyncio.to_thread(_restart, member)
            if code not in {0, -signal.SIGTERM}:
                scene.row.found([f"{member.name} ended with {code}"])
        if not await scene.goes_on():
            scene.row.found(["the debates were over before all had restarted"])
        hurry()
        await scene.end()
        await _look_for_listeners(scene)
        return scene.row


def _kill(member: Member) -> None:
    assert member.process is not None
    member.process.kill()
    member.stop()


def _restart(member: Member) -> int:
    code = member.stop()
    member.start()
    return code
