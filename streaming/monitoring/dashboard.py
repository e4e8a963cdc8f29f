"""What the monitor page shows: figures of this process's metrics, of its watchers, and of the database."""

import os
import socket
from collections import Counter
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.db.models import Count
from pydantic import AliasPath, BaseModel, Field

from conversations.domain.enums import TERMINAL, Status
from conversations.models import Conversation
from streaming.hub.reader import readers
from streaming.monitoring import usage
from streaming.monitoring.usage import ModelUsage
from streaming.statistics import counters
from streaming.statistics.rolling import Latency, Rates, Sample, total
from streaming.watchers.registry import registry
from streaming.wire.close_codes import Close
from streaming.wire.control_frames import StreamState

MAX_SESSIONS: Final = 1_000
STARTED: Final = datetime.now(UTC)


class Process(BaseModel):
    """The process that answered. If several processes serve, each has its own figures."""

    host: str
    pid: int
    started: datetime


class Connections(BaseModel):
    """Open connections, by state (every state, 0 included) and by transport (those in use)."""

    total: int
    states: dict[StreamState, int]
    transports: dict[str, int]


class Debates(BaseModel):
    """`watched`: debates with watchers at this process. `running` and `statuses` are counted in the database: debates
    that have not ended, and debates by status (every status, 0 included)."""

    watched: int
    running: int
    statuses: dict[Status, int]


class Closed(BaseModel):
    """The number of connections that this process has closed with this code."""

    code: int
    name: str
    count: int


class Overview(BaseModel):
    """`lagging`: watchers that now receive tokens more slowly than they arrive. Since the process started: `repaired`,
    how often a channel layer had dropped something; `pages`, reads of the log for watchers that were behind; `closed`,
    connections that the process closed; `models`, the models that it called. `series` has one sample for each five
    seconds of the last ten minutes, the oldest first."""

    process: Process
    connections: Connections
    conversations: Debates
    tokens_per_second: Rates
    latency: Latency
    lagging: int
    repaired: int
    pages: int
    closed: list[Closed]
    models: list[ModelUsage]
    series: list[Sample]


class Session(BaseModel, from_attributes=True):
    """A watcher. `behind`: events of its conversation that have not been sent to it yet; `acked`: whether its client
    acknowledges events. `tokens`, `frames` and `bytes` count what has been sent; `rate` is the maximum of tokens a
    second that the client asked for, null for no limit."""

    id: UUID
    user: str = Field(validation_alias=AliasPath("principal", "user", "username"))
    conversation: UUID | None
    transport: str
    state: StreamState
    since: datetime = Field(validation_alias="started")
    cursor: int
    head: int
    behind: int
    acked: bool = Field(validation_alias=AliasPath("flow", "acks"))
    tokens: int
    frames: int = Field(validation_alias=AliasPath("sender", "frames"))
    bytes: int = Field(validation_alias=AliasPath("sender", "bytes"))
    rate: float | None


class Sessions(BaseModel):
    """The newest watchers of this process, and how many there are in all."""

    total: int
    sessions: list[Session]


def debates() -> dict[Status, int]:
    """How many debates the database has of each status, 0 included."""
    counted = Conversation.objects.order_by().values_list("status").annotate(Count("pk"))
    found = dict(counted)
    return {status: found.get(status, 0) for status in Status}


def states() -> dict[StreamState, int]:
    """How many watchers of this event loop are in each state, 0 included."""
    found = Counter(watcher.state for watcher in registry().watchers.values())
    return {state: found[state] for state in StreamState}


def closed() -> list[Closed]:
    """Those that have happened, by code."""
    [family] = counters.CLOSES.collect()
    counts = sorted((Close(int(sample.labels["code"])), int(sample.value)) for sample in family.samples)
    return [Closed(code=close, name=close.name, count=count) for close, count in counts]


def overview(statuses: dict[Status, int]) -> Overview:
    """The figures of this moment; `statuses` comes from `debates`. Call it in the event loop that serves."""
    watchers, statistics = registry().watchers, registry().statistics
    return Overview(
        process=Process(host=socket.gethostname(), pid=os.getpid(), started=STARTED),
        connections=Connections(
            total=len(watchers),
            states=states(),
            transports=Counter(watcher.transport for watcher in watchers.values()),
        ),
        conversations=Debates(
            watched=len(readers()),
            running=sum(count for status, count in statuses.items() if status not in TERMINAL),
            statuses=statuses,
        ),
        tokens_per_second=statistics.rates(),
        latency=statistics.latency(),
        lagging=sum(watcher.lagging for watcher in watchers.values()),
        repaired=total(counters.DROPS_REPAIRED),
        pages=total(counters.PAGES_READ),
        closed=closed(),
        models=usage.by_model(),
        series=[*statistics.samples],
    )


def sessions(limit: int) -> Sessions:
    """The newest watchers first. Call it in the event loop that serves."""
    watchers = [*registry().watchers.values()]
    newest = sorted(watchers, key=lambda watcher: watcher.started, reverse=True)[:limit]
    return Sessions(total=len(watchers), sessions=[Session.model_validate(watcher) for watcher in newest])
