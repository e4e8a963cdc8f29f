"""The live bench's rows as a table."""

import os
import platform
import sys

from rich.console import Console
from rich.table import Table

from benchmarks.live import Load, Row


def show(load: Load, rows: list[Row]) -> None:
    """A table of the rows, and the last one's ratio to the first."""
    table = Table(
        title=f"{load.debates} debates, {load.watchers} watchers each, {load.rate:g} tokens/s a debate,"
        f" {load.tokens_a_watcher} tokens a watcher",
        caption=f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()};"
        " latency of live tokens from the stand-in's socket to the watcher's, in ms",
    )
    for title in ("", "lost", "doubled", "altered", "p50", "p95", "p99", "worst"):
        table.add_column(title, justify="left" if not title else "right")
    for title in ("tokens/frame", "CPU, cores", "CPU us/token", "idle MiB", "peak MiB"):
        table.add_column(title, justify="right")
    for row in rows:
        counts = (str(row.lost), str(row.doubled), str(row.altered))
        latencies = (f"{value:.1f}" for value in (row.p50, row.p95, row.p99, row.worst))
        cost = (f"{row.tokens_a_frame:.2f}", f"{row.cpu / row.wall:.2f}", f"{row.cpu_us_a_token:.0f}")
        table.add_row(
            row.name, *counts, *latencies, *cost, f"{row.memory_idle:.0f}", f"{row.memory_peak:.0f}"
        )
    base, ours = rows[0], rows[-1]
    ratios = (ours.p50 / base.p50, ours.p95 / base.p95, ours.p99 / base.p99, ours.worst / base.worst)
    table.add_row(
        "ratio",
        *("",) * 3,
        *(f"{ratio:.1f}x" for ratio in ratios),
        "",
        f"{ours.cpu / ours.wall / (base.cpu / base.wall):.1f}x",
        f"{ours.cpu_us_a_token / base.cpu_us_a_token:.1f}x",
        "",
        f"{ours.memory_peak / base.memory_peak:.1f}x",
    )
    Console(width=160 if not sys.stdout.isatty() else None).print(table)
