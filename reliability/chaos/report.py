"""docs/reliability.md, written from a run."""

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

A debate always ends: as completed, as cancelled, or with an error that says why. What was stored stays as it was
stored, word for word, whatever is killed. This page says what you see meanwhile, and how long it takes. It is written
by `make chaos`, which breaks each of these things in the middle of running debates, with real processes, and then
compares every stored row and every watcher's words.

**Detected after**: from the fault to the first event in the debate's log that shows that it was noticed. **Goes on
after**: from the fault to the next words that somebody hears, unless a part says otherwise. Both are the median and the
worst. **Lost**: stored rows that were gone, altered or doubled afterwards, and words that a watcher missed. It has to
be 0.

Everything runs on one machine: servers, databases, watchers, and a stand-in for the models' provider that speaks the
same protocol and fails on demand. Moments are random, and the same again with the same seed.
"""

PARTS = {
    "kills": (
        "The server dies",
        """\
Power goes, or something kills the process at once (`kill -9`). Nothing that was stored is lost. The server that is
started next takes the debates up by itself, without anybody visiting a page: a turn that was cut half way is struck out
in the page and spoken again, and what was finished before it stands. Watchers come back by themselves, and miss
nothing.

A run owns its debate by a lease, which has to lapse first: 15 s unless `OUTCRY_LEASE_SECONDS` says otherwise.
**Detected after** is counted from when the lease has lapsed and the new server is up, **goes on after** from when it is
up. A debate that is killed four times without finishing a turn in between ends with the code `resume_failed` rather
than be tried for ever.""",
    ),
    "two": (
        "One of several servers dies",
        """\
Several servers on one database share the work, and no debate has two of them: the other one takes a debate over within
5 s of when its lease has lapsed; **detected after** is counted from there. A server that stood still for so long (a
laptop that slept, a machine out of memory) and wakes up finds that the debate is another's, and writes nothing more to
it.""",
    ),
    "providers": (
        "A model's provider fails",
        """\
The half-spoken message is struck out, the page says who failed and why, and the next provider in `OUTCRY_PROVIDERS`
speaks the turn again. With no other provider, a scripted demo goes on, marked as such on every message, and without a
verdict. With `OUTCRY_DEMO_FALLBACK=false` the debate ends there, with a code and a sentence. A provider that says when
to come back (`Retry-After`) is waited for if there is nobody else.

Each fault was tried in the first, a middle and the last turn. The times are counted from the provider's last sign of
life; the limits here are a first token in 2 s and a silence of 1 s, where your own are `OUTCRY_FIRST_TOKEN_SECONDS` and
`OUTCRY_STALL_SECONDS`. A provider that failed is not asked again for a while, so the next debate does not wait for it
at all. The demo speaks at ten times its pace here: its first word usually comes 22 ms later.""",
    ),
    "sigterm": (
        "The server is stopped in an orderly way",
        """\
On SIGTERM, turns have 5 s to finish (`OUTCRY_GRACE_SECONDS`); the others are handed over where they stand, and go on
elsewhere, or after the restart, at once and without a lease to wait for. The exit code is 0. **Goes on after** is
counted from when the next server is ready.""",
    ),
    "outages": (
        "The database or Redis is away",
        """\
The debate waits, and watchers see "reconnecting"; when the database is back, what was said meanwhile is stored, and all
goes on. Nothing is lost for up to a minute (`OUTCRY_DATABASE_PATIENCE_SECONDS`). Requests do not wait: they get a 503.
While Redis is away, debates go on and are stored, and watchers read them from the database. **Goes on after** is
counted from when the database is back.""",
    ),
    "local": (
        "The local model dies",
        "Its process is started again by itself, and the turn it was in is spoken again.",
    ),
    "disk": (
        "The disk is full",
        """\
A new debate is refused with the code `storage_full`; nothing is written by halves. Running ones wait, and go on when
there is room again. **Detected after** is how long the refusal took, **goes on after** is counted from when there is
room.""",
    ),
    "cluster": (
        "A part of a cluster dies",
        """\
Two web processes behind nginx, two workers, Redis and PostgreSQL, as `make cluster` runs them. A worker's debates go on
with the other one once their leases (15 s) have lapsed; a web process's watchers come to the other one; Redis comes
back empty; a restart of PostgreSQL breaks every connection. In the last row everything is restarted in turn, under 50
debates with ten watchers each: workers, web processes, nginx, Redis, PostgreSQL. **Goes on after** is counted for every
debate, also for those that the fault did not touch, which just go on.""",
    ),
}
COLUMNS = "| Fault | Tried | Detected after | Goes on after | Lost |\n| --- | ---: | ---: | ---: | ---: |"


_SECTION = re.compile(r"<!-- (\w+) -->\n(.*?)<!-- end -->\n", re.DOTALL)


def write(part: str, rows: Sequence[Row], *, seed: int, scale: float, minutes: float) -> None:
    """Replace this part of the page; the others stay as they were."""
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
