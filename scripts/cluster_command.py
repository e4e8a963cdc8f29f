"""`make cluster`: what runs past one process, on this machine, until Ctrl-C."""

import hashlib
import signal
import sys
import threading
from pathlib import Path

from config.env.collected import is_collected
from scripts import cluster, programs
from scripts.console import say
from scripts.places import FRONTEND, data_dir, setting

# Where root keeps what it must not run itself.
STATE = Path("/var/lib/outcry")


def serve(port: int) -> None:
    """Until SIGINT or SIGTERM. Raises StepFailedError."""
    programs.require(programs.POSTGRESQL, programs.REDIS, programs.NGINX)
    greeting: list[str] = []
    writing = threading.Lock()

    def tell(name: str, line: str) -> None:
        if name == "web-1" and line.startswith(("Sign in", "Lost it?")):
            greeting.append(line)
        if line:
            with writing:
                print(f"{_painted(name)} {line}", flush=True)

    over = threading.Event()
    folder = data_dir().resolve() / "cluster"
    static = Path(setting("OUTCRY_STATIC_DIR", str(data_dir() / "static")))
    collects = not is_collected(static, FRONTEND / "dist")
    made = cluster.Cluster(folder, port, tell, collects=collects, postgres_folder=postgres_folder(folder))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    say("Starting PostgreSQL, Redis, two workers, two web processes and nginx")
    made.start()
    try:
        say(f"Outcry is at {made.url}")
        for line in (*greeting, *_addresses(made), "Ctrl-C stops all of it."):
            print(f"    {line}", flush=True)
        for event in cluster.watched(made, over):
            say(event)
    finally:
        say("Stopping; debates that are running go on at the next start")
        made.stop()


def _addresses(made: cluster.Cluster) -> list[str]:
    here = {name: f"127.0.0.1:{port}" for name, port in made.ports.items()}
    webs = ", ".join(here[member.name] for member in made.web)
    workers = ", ".join(here[member.name] for member in made.worker)
    return [
        f"Web processes ({setting('OUTCRY_WEB_SERVER', 'uvicorn')}): {webs}",
        f"Workers (only /healthz, /readyz and /metrics): {workers}",
        f"PostgreSQL (user outcry): {here['postgres']}; Redis: {here['redis']}",
        f"The password of both is in {made.secret_file}.",
    ]


def postgres_folder(folder: Path) -> Path | None:
    """Root's folders are closed to PostgreSQL, which has one elsewhere then."""
    if programs.unprivileged_user() is None:
        return None
    return STATE / hashlib.sha256(str(folder).encode()).hexdigest()[:12] / "postgres"


def _painted(name: str) -> str:
    return f"\033[36m{name:9}\033[0m|" if sys.stdout.isatty() else f"{name:9}|"
