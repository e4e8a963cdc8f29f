"""`make cluster`: a whole cluster on this machine, until Ctrl-C."""

import hashlib
import signal
import sys
import threading
from pathlib import Path

from scripts import frontend, programs
from scripts.cluster import Cluster
from scripts.console import say
from scripts.places import data_dir, setting

# PostgreSQL does not run as root, and cannot enter root's folders.
STATE = Path("/var/lib/outcry")


def serve(port: int) -> None:
    """Serve until SIGINT or SIGTERM. Raises StepFailedError."""
    programs.require(programs.POSTGRESQL, programs.REDIS, programs.NGINX)
    greeting: list[str] = []
    writing = threading.Lock()

    def print_line(name: str, line: str) -> None:
        if name == "web-1" and line.startswith(("Sign in", "Lost it?")):
            greeting.append(line)
        if line:
            with writing:
                print(f"{_painted(name)} {line}", flush=True)

    over = threading.Event()
    folder = data_dir().resolve() / "cluster"
    cluster = Cluster(folder, port, print_line, postgres_folder=postgres_folder(folder))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    say("Starting PostgreSQL, Redis, two workers, two web processes and nginx")
    frontend.ensure_collected()
    cluster.start()
    try:
        say(f"Outcry is at {cluster.url}")
        for line in (*greeting, *_addresses(cluster), "Ctrl-C stops all of it."):
            print(f"    {line}", flush=True)
        for sentence in cluster.restarted(over):
            say(sentence)
    finally:
        say("Stopping; debates that are running go on at the next start")
        cluster.stop()


def _addresses(cluster: Cluster) -> list[str]:
    here = {name: f"127.0.0.1:{port}" for name, port in cluster.ports.items()}
    webs = ", ".join(here[member.name] for member in cluster.web)
    workers = ", ".join(here[member.name] for member in cluster.worker)
    return [
        f"Web processes ({setting('OUTCRY_WEB_SERVER', 'uvicorn')}): {webs}",
        f"Workers (only /healthz, /readyz and /metrics): {workers}",
        f"PostgreSQL (user outcry): {here['postgres']}; Redis: {here['redis']}",
        f"The password of both is in {cluster.secret_file}.",
    ]


def postgres_folder(folder: Path) -> Path | None:
    """PostgreSQL's folder where this runs as root; None: one in `folder`."""
    if programs.unprivileged_user() is None:
        return None
    return STATE / hashlib.sha256(str(folder).encode()).hexdigest()[:12] / "postgres"


def _painted(name: str) -> str:
    return f"\033[36m{name:9}\033[0m|" if sys.stdout.isatty() else f"{name:9}|"
