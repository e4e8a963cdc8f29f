"""The local model's process: starts it and keeps it alive, or finds one that another process keeps."""

import json
import logging
import select
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

import httpx

from conversations.local_model.server import HOST, NAME

logger = logging.getLogger(__name__)

FIRST_BACKOFF: Final = 0.5
LAST_BACKOFF: Final = 30.0
# A process counts as failing while its backoff is longer than this.
PATIENT_BACKOFF: Final = 2.0
# After running this long, the backoff is reset.
HEALTHY_SECONDS: Final = 60.0
LOAD_SECONDS: Final = 60.0
# Their sum keeps stop() under 5 s.
TERM_SECONDS: Final = 2.0
KILL_SECONDS: Final = 2.0

REPOSITORY: Final = Path(__file__).resolve().parents[2]


class ModelProcess:
    """Keeps one server process alive from a thread, and restarts it with backoff.

    `url` is valid from construction to `stop()`, even across restarts, because this process holds the port. Until the
    model is ready, connections are refused. `state_file` has the URL, for `find_running` in other processes."""

    def __init__(self, model_path: Path, *, state_file: Path, log: Path) -> None:
        self._state_file = state_file
        self._log = log.resolve()
        self._port = _held_port()
        port = self._port.getsockname()[1]
        self._command = [sys.executable, "-m", "conversations.local_model.server", str(model_path.resolve())]
        self._command += ["--port", str(port), "--log", str(self._log)]
        self.url = f"http://{HOST}:{port}/v1"
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._backoff = FIRST_BACKOFF
        self._spawning = threading.Lock()
        # A daemon thread, so that a program can end without calling stop(); its end closes the child's stdin.
        self._thread = threading.Thread(target=self._keep_alive, name="local-model", daemon=True)

    @property
    def pid(self) -> int | None:
        """The id of the server process; None while there is none."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def is_failing(self) -> bool:
        """Whether the process has ended several times in a row, and is not ready."""
        return self._backoff > PATIENT_BACKOFF and not self._ready.is_set()

    def start(self) -> None:
        """Start the process and return at once; see `wait_ready`. May be called once. Raises OSError if the folder of
        the state file or of the log cannot be made."""
        self._state_file.parent.mkdir(parents=True, exist_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def wait_ready(self, timeout: float) -> bool:
        """Block up to `timeout` seconds until the model is ready; returns whether it is."""
        return self._ready.wait(timeout)

    def stop(self) -> None:
        """End the process within 5 s. May be called at any time and repeatedly."""
        self._stopping.set()
        with self._spawning:
            process = self._process
        if process:
            process.terminate()
            try:
                process.wait(TERM_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        if self._thread.ident:
            self._thread.join(KILL_SECONDS)
        self._port.close()

    def _keep_alive(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._run()
            except OSError:
                logger.exception("The local model could not be started.")
            if self._stopping.is_set():
                return
            if time.monotonic() - began > HEALTHY_SECONDS:
                self._backoff = FIRST_BACKOFF
            logger.warning("The local model ended; it is started again in %.1f s.", self._backoff)
            backoff = self._backoff
            self._backoff = min(2 * backoff, LAST_BACKOFF)
            self._stopping.wait(backoff)

    def _run(self) -> None:
        """Run one process from its start to its end."""
        with self._spawning:
            if self._stopping.is_set():
                return
            process = subprocess.Popen(  # noqa: S603 (the command is our own)
                self._command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            self._process = process
        with process:  # closes its pipes and waits for its end
            if _has_announced(process):
                _write_state(self._state_file, self.url, process.pid)
                self._ready.set()
                process.wait()
                self._ready.clear()


def _has_announced(process: "subprocess.Popen[bytes]") -> bool:
    assert process.stdout  # noqa: S101 (for the type checker)
    if not select.select([process.stdout], [], [], LOAD_SECONDS)[0]:
        process.kill()
    return bool(process.stdout.readline())


def _held_port() -> socket.socket:
    """A socket bound to a free loopback port, which reserves the port without listening."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind((HOST, 0))
    return held


def _write_state(state_file: Path, url: str, pid: int) -> None:
    # Renamed into place, so that readers never see a partial file.
    part = state_file.with_name(f"{state_file.name}.{pid}")
    try:
        part.write_text(json.dumps({"url": url, "pid": pid}))
        part.replace(state_file)
    except OSError:
        # Other processes will start models of their own; this one works without the file.
        logger.exception("Where the local model runs could not be written down.")


def find_running(state_file: Path, timeout: float = 1.0) -> str | None:
    """The URL of a local model that another process keeps, or None if it does not respond. The file may be stale or
    damaged. Blocks for at most `timeout` seconds, usually milliseconds."""
    try:
        url = str(json.loads(state_file.read_text())["url"])
        if not url.startswith(f"http://{HOST}:"):
            return None
        models = httpx.get(f"{url}/models", timeout=timeout, trust_env=False).json()["data"]
        return url if models[0]["id"] == NAME else None
    except (OSError, ValueError, LookupError, TypeError, httpx.HTTPError, httpx.InvalidURL):
        return None
