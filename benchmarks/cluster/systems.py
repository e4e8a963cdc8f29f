"""The systems under test: one process on SQLite, and a cluster, with their processes and databases."""

import contextlib
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from benchmarks.cluster import counts
from benchmarks.cluster.counts import Ledger, PostgresLedger, SQLiteLedger
from reliability.chaos.installation import BUSY
from reliability.cluster.stage import cluster
from scripts.cluster import Cluster
from scripts.member import Member
from tests.e2e import programs
from tests.e2e.site import FILE, Site, running
from tests.support import servers

PROCESS, CLUSTER = "one process, SQLite", "2 web, 2 workers"
# No rate limits; and long timeouts, because the model holds its answers back until everybody watches.
_ENVIRONMENT = {
    **BUSY,
    **counts.environment(),
    "OUTCRY_LOG_LEVEL": "WARNING",
    "OUTCRY_FIRST_TOKEN_SECONDS": "900",
    "OUTCRY_STALL_SECONDS": "300",
    "OUTCRY_IDLE_SECONDS": "3600",
    "OUTCRY_DEMO_FALLBACK": "false",
}


@dataclass
class System:
    """An Outcry that serves people at `site`. `cookies` are of its account, `key` is one that opens everything."""

    name: str
    site: Site
    processes: Mapping[str, psutil.Process]
    ledger: Ledger
    cookies: str
    key: str


@contextmanager
def one_process(port: int) -> Iterator[System]:
    """`manage.py serve` as `make run` has it, whose debates are spoken by what listens at this port."""
    environment = {**_ENVIRONMENT, "OUTCRY_PROVIDERS": _provider(port)}
    with servers.folder("bench") as folder, running(folder, environment) as site:
        yield System(
            PROCESS,
            site,
            {"serve": psutil.Process(site.process.pid)},
            SQLiteLedger([site.url], folder / FILE),
            programs.signed_in(site),
            programs.key_of(site, "watch", "start", "control"),
        )


@contextmanager
def a_cluster(port: int, **env: str) -> Iterator[tuple[System, Cluster]]:
    """PostgreSQL, Redis, nginx, two web processes and two workers, whose debates are spoken by this port."""
    with cluster(port, {**_ENVIRONMENT, **env}) as made:
        yield seen(made), made


def seen(made: Cluster, name: str = CLUSTER) -> System:
    """A running cluster, with its processes as they are now."""
    assert made.nginx.process is not None
    site = Site(made.url, made.folder, made.nginx.process)
    return System(
        name,
        site,
        {member.name: psutil.Process(_pid(member)) for member in made.members()},
        PostgresLedger(
            [f"http://127.0.0.1:{made.ports[member.name]}" for member in (*made.web, *made.worker)],
            made.database_url,
        ),
        programs.signed_in(site),
        programs.key_of(site, "watch", "start", "control"),
    )


def restart(members: list[Member], **env: str) -> None:
    """With other settings; all of them are away meanwhile."""
    for member in members:
        member.stop()
        member.env = {**member.env, **env}
        member.start()


def allow_files() -> int:
    """Raise this process's limit of open files, and that of all that it starts, to the most there is; the limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def _pid(member: Member) -> int:
    assert member.process is not None
    return member.process.pid


def _provider(port: int) -> str:
    return f"openai-compatible:stand-in@http://127.0.0.1:{port}/v1"
