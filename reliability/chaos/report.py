"""Write docs/reliability.md from a run of `make chaos`."""

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from reliability.chaos.figures import Row, shown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"

HEAD = """\
# What happens when something fails

A debate always ends: completed, cancelled, or with an error that says why. What has been stored stays stored, word for
word, whichever process is killed. This page says what you see in the meantime, and how long it takes. It is written by
`make chaos`, which injects each of these faults into running debates, with real processes, and then compares every
stored row and every watcher's words.

**Detected after**: from the fault to the first event in the debate's log that shows it. **Goes on after**: from the
fault to the next words that a watcher receives, unless a section says otherwise. Both as median / worst. **Lost**:
stored rows that were missing, changed or doubled afterwards, and words that a watcher missed. It has to be 0.

Everything runs on one machine: servers, databases, watchers, and a stand-in for the model provider that speaks the same
protocol and fails on demand. The moments of the faults are random, and repeatable by the seed.
"""

PARTS = {
    "kills": (
        "The server dies",
        """\
A power cut, or `kill -9`. Nothing stored is lost. The next server that starts takes the debates over by itself, without
anybody opening a page: an interrupted turn is struck out on the page and spoken again, and what was finished before it
stays. Watchers reconnect by themselves, and miss nothing.

A run owns its debate by a lease, which has to expire first: after 15 s, or `OUTCRY_LEASE_SECONDS`. **Detected after**
counts from the moment when the lease has expired and the new server is ready, **goes on after** from when the server is
ready. A debate that is killed four times without finishing a turn in between ends with the code `resume_failed`.""",
    ),
    "two": (
        "One of several servers dies",
        """\
Several servers on one database share the debates, and a debate never runs on two of them. Another server takes a debate
over within 5 s after its lease has expired; **detected after** counts from there. A server that was frozen for longer
than its lease (a laptop that slept, a machine out of memory) finds on waking up that it has lost the debate, and writes
nothing more to it.""",
    ),
    "providers": (
        "A model provider fails",
        """\
The half-spoken message is struck out, the page says which provider failed and why, and the next provider in
`OUTCRY_PROVIDERS` speaks the turn again. With no other provider, a scripted demo continues, marked on every message and
without a verdict. With `OUTCRY_DEMO_FALLBACK=false` the debate ends with a code and a sentence instead. If there is no
other provider, one that says when to come back (`Retry-After`) is waited for.

Each fault was injected into the first, a middle and the last turn. Times count from the provider's last sign of life.
The limits here are 2 s for a first token and 1 s of silence; yours are `OUTCRY_FIRST_TOKEN_SECONDS` and
`OUTCRY_STALL_SECONDS`. A provider that failed is not asked again for a while, so the next debate does not wait for it.
The demo speaks at ten times its usual rate here: its first word usually comes 22 ms later.""",
    ),
    "sigterm": (
        "The server is stopped gracefully",
        """\
On SIGTERM, turns have 5 s to finish (`OUTCRY_GRACE_SECONDS`). The others are handed over, and continue on another
server, or after the restart, at once and without waiting for a lease. The exit code is 0. **Goes on after** counts from
when the next server is ready.""",
    ),
    "outages": (
        "The database or Redis is unavailable",
        """\
The debate waits, and watchers see "reconnecting". When the database is back, what was said in the meantime is stored,
and the debate continues. Nothing is lost for up to a minute (`OUTCRY_DATABASE_PATIENCE_SECONDS`). Requests do not wait:
they get a 503. While Redis is unavailable, debates continue and are stored, and watchers read them from the database.
**Goes on after** counts from when the database is back.""",
    ),
    "local": ("The local model dies", "Its process is restarted, and the interrupted turn is spoken again."),
    "disk": (
        "The disk is full",
        """\
A new debate is refused with the code `storage_full`; nothing is stored partially. Running debates wait, and continue
when there is room again. **Detected after** is the time the refusal took; **goes on after** counts from when there is
room.""",
    ),
    "cluster": (
        "A part of a cluster dies",
        """\
Two web processes behind nginx, two workers, Redis and PostgreSQL, as in `make cluster`. The other worker takes a dead
worker's debates over when their leases (15 s) have expired; watchers of a dead web process reconnect to the other one;
Redis comes back empty; a restart of PostgreSQL breaks every connection. In the last row everything is restarted in turn
under 50 debates with ten watchers each: workers, web processes, nginx, Redis, PostgreSQL. **Goes on after** is measured
for every debate, including those that the fault did not affect.""",
    ),
}
COLUMNS = "| Fault | Tried | Detected after | Goes on after | Lost |\n| --- | ---: | ---: | ---: | ---: |"


_SECTION = re.compile(r"<!-- (\w+) -->\n(.*?)<!-- end -->\n", re.DOTALL)


def write(part: str, rows: Sequence[Row], *, seed: int, scale: float, minutes: float) -> None:
    """Replace the section of `part`; the others stay as they are."""
    there = dict(_SECTION.findall(PAGE.read_text(encoding="utf-8"))) if PAGE.exists() else {}
    title, prose = PARTS[part]
    table = f"{COLUMNS}\n" + "\n".join(map(_line, rows))
    there[part] = f"## {title}\n\n{prose}\n\n{table}\n\n{_how(part, seed, scale, minutes)}\n"
    kept = (f"<!-- {part} -->\n{there[part]}<!-- end -->\n" for part in PARTS if part in there)
    PAGE.write_text("\n".join([HEAD, *kept]), encoding="utf-8")


def _line(row: Row) -> str:
    fault = row.fault + (" (not as promised)" if row.problems else "")
    figures = (str(row.tried), shown(row.detected), shown(row.recovered), str(row.lost))
    return f"| {fault} | {' | '.join(figures)} |"


def _how(part: str, seed: int, scale: float, minutes: float) -> str:
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, {gibibytes:.0f} GiB"
    again = f"{part} --seed {seed}" + (f" --scale {scale:g}" if scale != 1 else "")
    return (
        f"{datetime.now(UTC):%d %B %Y}, {minutes:.0f} minutes on {machine}, Python {platform.python_version()}:\n"
        f'`make chaos ARGS="{again}"`.'
    )
