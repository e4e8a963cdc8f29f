"""The local model's process: starts it and keeps it alive, or finds one that another process keeps."""

import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

import httpx

from conversations.local_model.models import SMALL, LocalModel
from conversations.local_model.server import HOST

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
    """Starts a server process, and keeps it alive from a thread that restarts it with backoff.

    `url` is the address of the server while the model is ready, else None. `state_file` has it, too, for `find_running`
    in other processes. Raises OSError if the folder of either file cannot be made."""

    def __init__(self, model_path: Path, *, state_file: Path, log: Path, model: LocalModel = SMALL) -> None:
        for file in (state_file, log):
            file.parent.mkdir(parents=True, exist_ok=True)
        self._state_file = state_file
        self._log = log.resolve()
        self._model_path = model_path.resolve()
        self._name = model.name
        self.url: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._backoff = FIRST_BACKOFF
        # A daemon thread, so that a program can end without calling stop(); its end closes the child's stdin.
        self._thread = threading.Thread(target=self._keep_alive, name="local-model", daemon=True)
        self._thread.start()

    @property
    def is_failing(self) -> bool:
        """Whether the process has ended several times in a row, and is not ready."""
        return self._backoff > PATIENT_BACKOFF and self.url is None

    def stop(self) -> None:
        """End the process within 5 s. May be called at any time and repeatedly."""
        self._stopping.set()
        if process := self._process:
            process.terminate()
            try:
                process.wait(TERM_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join(KILL_SECONDS)

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
        process = subprocess.Popen(  # noqa: S603 (the command is our own)
            [
                sys.executable,
                "-m",
                "conversations.local_model.server",
                self._model_path,
                self._log,
                self._name,
            ],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with process:  # closes its pipes and waits for its end
            self._process = process
            if self._stopping.is_set():
                # `stop` may not have seen the process.
                process.kill()
            if ready := _announcement(process):
                _write_state(self._state_file, ready)
                self.url = json.loads(ready)["url"]
                process.wait()
                self.url = None


def _announcement(process: "subprocess.Popen[bytes]") -> bytes:
    """The line that the process prints when it is ready; empty if it ends, or needs longer than LOAD_SECONDS."""
    assert process.stdout  # noqa: S101 (for the type checker)
    if not select.select([process.stdout], [], [], LOAD_SECONDS)[0]:
        process.kill()
    return process.stdout.readline()


def _write_state(state_file: Path, ready: bytes) -> None:
    # Renamed into place, so that readers never see a partial file.
    part = state_file.with_name(f"{state_file.name}.{os.getpid()}")
    try:
        part.write_bytes(ready)
        part.replace(state_file)
    except OSError:
        # Other processes will start models of their own; this one works without the file.
        logger.exception("Where the local model runs could not be written down.")


def find_running(state_file: Path, model: LocalModel = SMALL, timeout: float = 1.0) -> str | None:
    """The URL of this model if another process keeps it, or None if it does not respond. The file may be stale or
    damaged. Blocks for at most `timeout` seconds, usually milliseconds."""
    try:
        url = str(json.loads(state_file.read_text())["url"])
        if not url.startswith(f"http://{HOST}:"):
            return None
        models = httpx.get(f"{url}/models", timeout=timeout, trust_env=False).json()["data"]
        return url if models[0]["id"] == model.name else None
    except (OSError, ValueError, LookupError, TypeError, httpx.HTTPError, httpx.InvalidURL):
        return None
