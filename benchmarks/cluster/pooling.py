"""PgBouncer before the web processes, which then share few connections, transaction by transaction; workers connect
directly, because they listen."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg

from benchmarks.cluster import figures, systems
from benchmarks.cluster.figures import CORES, LATENESS, percentile
from benchmarks.cluster.load import Load
from benchmarks.cluster.stage import Run, stage
from benchmarks.cluster.systems import System
from benchmarks.cluster.table import Columns, number, table
from benchmarks.delivery.children import Child
from scripts.cluster import Cluster
from scripts.member import Member
from scripts.ports import free_port
from scripts.programs import Program, unprivileged_user

PGBOUNCER = Program("PgBouncer", ("pgbouncer",), "pgbouncer", "behind PgBouncer")
POOL = 10
DIRECT, POOLED = "directly", "by PgBouncer, transaction mode"
# Reads of a debate, of which some go through a cursor.
READS = (
    "/api/conversations/",
    "/api/conversations/{}/",
    "/api/conversations/{}/events",
    "/conversations/{}/",
)
_SETTINGS = """\
[databases]
{database} = host=127.0.0.1 port={server} dbname={database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 1000
stats_users = {user}
; Said by libpq at the start of a connection, which is nobody's own here: set for the role instead.
ignore_startup_parameters = extra_float_digits,options
log_connections = 0
log_disconnections = 0
"""


@dataclass(frozen=True)
class Pooled:
    """`connections` are PostgreSQL's for everybody, at the end; `queries` those that PgBouncer has passed on so far;
    `refused` the reads that were not answered."""

    run: Run
    connections: int
    queries: int
    refused: Sequence[str]


def pooled(made: Cluster, model: Child, load: Load) -> Iterator[Pooled]:
    """Measure the load without PgBouncer, then with it."""
    yield _measured(made, model, load, systems.seen(made, DIRECT))
    with _pgbouncer(made) as (url, process):
        systems.restart(made.web, DATABASE_URL=url)
        system = systems.seen(made, POOLED)
        processes = {**system.processes, "pgbouncer": process}
        found = _measured(made, model, load, replace(system, processes=processes))
        yield replace(found, queries=_queries(url))
        systems.restart(made.web, DATABASE_URL=made.database_url)


def tables(found: Sequence[Pooled]) -> list[str]:
    runs = {id(it.run): it for it in found}
    columns: Columns[Run] = [
        ("web processes connect", lambda run: run.system),
        ("PostgreSQL's connections", lambda run: str(runs[id(run)].connections)),
        ("queries by PgBouncer", lambda run: f"{runs[id(run)].queries:,}"),
        *LATENESS,
        ("lost, doubled, altered", figures.received),
        ("start p50 ms", lambda run: number(percentile(run.starts, 0.5))),
        ("start p95", lambda run: number(percentile(run.starts, 0.95))),
        ("CPU us/token", figures.cpu_a_token()),
        *figures.by_role(figures.cpu_a_token, "pgbouncer"),
        *CORES,
        ("reads that failed", lambda run: ", ".join(runs[id(run)].refused) or "none"),
    ]
    return [table(columns, [it.run for it in found])]


def _measured(made: Cluster, model: Child, load: Load, system: System) -> Pooled:
    with stage(system, model) as staged:
        run = staged.measure(load)
    with psycopg.connect(made.database_url) as connection:
        (row,) = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()
        (newest,) = connection.execute(
            "SELECT id FROM conversations_conversation ORDER BY created_at DESC LIMIT 1"
        ).fetchall()
    return Pooled(run, int(row[0]), 0, _refused(system, str(newest[0])))


def _queries(url: str) -> int:
    # Its own database, which speaks only the simplest part of the protocol.
    address = urlsplit(url)._replace(path="/pgbouncer", query="").geturl()
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute("SHOW STATS_TOTALS")
        assert cursor.description is not None
        place = [column.name for column in cursor.description].index("query_count")
        return sum(int(row[place]) for row in cursor.fetchall())


def _refused(system: System, conversation: str) -> list[str]:
    with httpx.Client(
        base_url=system.site.url, headers={"Cookie": system.cookies}, trust_env=False, timeout=60
    ) as http:
        answers = {path: http.get(path.format(conversation)) for path in READS}
    return [f"{path} {answer.status_code}" for path, answer in answers.items() if answer.status_code != 200]


@contextmanager
def _pgbouncer(made: Cluster) -> Iterator[tuple[str, psutil.Process]]:
    """The database's address by way of it, and its process."""
    command = PGBOUNCER.find()
    assert command is not None
    url, port = urlsplit(made.database_url), free_port()
    place = made.folder / "pgbouncer"
    place.mkdir(exist_ok=True)
    users, settings = place / "users", place / "pgbouncer.ini"
    _write(users, f'"{url.username}" "{url.password}"\n')
    database = url.path.removeprefix("/")
    _write(
        settings,
        _SETTINGS.format(
            database=database, server=url.port, port=port, users=users, pool=POOL, user=url.username
        ),
    )
    with psycopg.connect(made.database_url, autocommit=True) as connection:
        connection.execute(
            f"ALTER ROLE {url.username} SET idle_in_transaction_session_timeout = '15s'".encode()
        )
    address = f"postgres://{url.username}:{url.password}@127.0.0.1:{port}/{database}"
    member = Member(
        "pgbouncer",
        [command, settings],
        made.postgres.env,
        lambda: _answers(address),
        made.on_line,
        user=unprivileged_user(),
        cwd=place,
    )
    if (user := unprivileged_user()) is not None:
        for path in (place, users, settings):
            shutil.chown(path, user)
    member.start()
    try:
        assert member.process is not None
        # A cursor of the server's would be another connection's by the next fetch.
        yield f"{address}?DISABLE_SERVER_SIDE_CURSORS=True", psutil.Process(member.process.pid)
    finally:
        member.stop()


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)


def _answers(address: str) -> bool:
    try:
        with psycopg.connect(address, connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        time.sleep(0.1)
        return False
    return True
