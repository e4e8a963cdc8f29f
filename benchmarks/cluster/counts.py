"""Counts of writes, from the processes' own /metrics and from PostgreSQL's pg_stat_* views."""

import sqlite3
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from prometheus_client.parser import text_string_to_metric_families

TOKEN = "bench-" + "x" * 32
# A server process of PostgreSQL tells what it counted when it has rested for ten seconds, at the latest.
FLUSH_SECONDS = 12.0
END_SECONDS = 60.0

_LOG = {
    "outcry_log_commit_seconds_count": "log_commits",
    "outcry_log_commit_rows_sum": "log_rows",
    "outcry_log_appends_total": "log_appends",
}
_COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
_ROWS = "SELECT coalesce(sum(n_tup_ins), 0), coalesce(sum(n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables"
_WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"
_COUNTED = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'conversations_event'"
_THERE = "SELECT count(*) FROM conversations_event"
_ENDED = "SELECT id FROM conversations_conversation WHERE finished_at IS NOT NULL"
_STARTS = """
    SELECT made.id, made.created_at, (
        SELECT min(at) FROM conversations_event
        WHERE conversation_id = made.id AND type = 'status' AND data ->> 'status' = 'initializing'
    ) FROM conversations_conversation AS made
"""


@dataclass(frozen=True)
class Counts:
    """`log_*`: the log's commits, their rows, and the events handed in for them, by the processes' own numbers. The
    rest is PostgreSQL's, of all that anybody did: commits, rows inserted, rows changed or deleted, WAL in bytes."""

    log_commits: float
    log_rows: float
    log_appends: float
    commits: float | None = None
    inserted: float | None = None
    changed: float | None = None
    wal: float | None = None

    def since(self, earlier: "Counts") -> "Counts":
        """The difference to an earlier reading."""
        return Counts(
            *(_difference(getattr(self, it.name), getattr(earlier, it.name)) for it in fields(self))
        )


def _difference(now: float | None, then: float | None) -> Any:
    return None if now is None or then is None else now - then


def parsed(texts: Iterable[str]) -> Counts:
    """The log's numbers of several processes together, as each tells them to Prometheus."""
    sums = dict.fromkeys(_LOG.values(), 0.0)
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if (name := _LOG.get(sample.name)) is not None:
                    sums[name] += sample.value
    return Counts(**sums)


class Ledger(ABC):
    """The database of an installation, and the processes that write to it."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    def counts(self) -> Counts:
        """Up to now."""
        return parsed(map(_metrics, self._addresses))

    def starts(self, conversations: Iterable[str]) -> list[float | None]:
        """For each, the ms from the making of its row to its run's first event; None where there is none yet."""
        found = {_digits(row[0]): row[1:] for row in self._select(_STARTS)}
        return [_between(*found[_digits(it)]) for it in conversations]

    def wait_for_end(self, conversation: str) -> None:
        """Raises TimeoutError where it does not end."""
        give_up = time.monotonic() + END_SECONDS
        while _digits(conversation) not in {_digits(row[0]) for row in self._select(_ENDED)}:
            if time.monotonic() > give_up:
                raise TimeoutError(f"{conversation} did not end.")
            time.sleep(0.1)

    @abstractmethod
    def _select(self, sql: str) -> Sequence[tuple[Any, ...]]: ...


class SQLiteLedger(Ledger):
    def __init__(self, addresses: Sequence[str], file: Path) -> None:
        super().__init__(addresses)
        self._file = file

    def _select(self, sql: str) -> Sequence[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._file, timeout=60)) as connection:
            return connection.execute(sql).fetchall()


class PostgresLedger(Ledger):
    def __init__(self, addresses: Sequence[str], url: str) -> None:
        super().__init__(addresses)
        self._url = url

    def counts(self) -> Counts:
        give_up = time.monotonic() + FLUSH_SECONDS
        while self._one(_COUNTED) < self._one(_THERE) and time.monotonic() < give_up:
            time.sleep(0.2)
        own = super().counts()
        inserted, changed = self._select(_ROWS)[0]
        return Counts(
            own.log_commits,
            own.log_rows,
            own.log_appends,
            commits=self._one(_COMMITS),
            inserted=float(inserted),
            changed=float(changed),
            wal=self._one(_WAL),
        )

    def _one(self, sql: str) -> float:
        rows = self._select(sql)
        return float(rows[0][0]) if rows else 0.0

    def _select(self, sql: str) -> Sequence[tuple[Any, ...]]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            return connection.execute(sql.encode()).fetchall()


def environment() -> Mapping[str, str]:
    """Settings that open /metrics."""
    return {"OUTCRY_METRICS_TOKEN": TOKEN}


def _metrics(address: str) -> str:
    request = urllib.request.Request(f"{address}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        text: str = answer.read().decode()
    return text


def _digits(value: Any) -> str:
    return str(value).replace("-", "")


def _between(made: Any, begun: Any) -> float | None:
    return None if begun is None else (_moment(begun) - _moment(made)) * 1e3


def _moment(value: Any) -> float:
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
