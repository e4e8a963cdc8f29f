"""The local model: SmolLM2-135M behind llama.cpp's OpenAI-compatible HTTP server, in a process of its own.

    python -m conversations.local_model MODEL_PATH [--port N] [--reuse-port] [--log PATH]

prints one line, {"url": ..., "pid": ...}, when it is ready to answer. `LocalModel` keeps such a process alive and
`find_running` finds one that another process keeps. Nothing here imports Django, so that a start takes a second.
"""

import argparse
import contextlib
import ctypes
import http.client
import json
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

NAME: Final = "SmolLM2-135M-Instruct"
HOST: Final = "127.0.0.1"

# Each slot answers one turn, the others wait in llama.cpp's queue: more slots than this only share the same two cores.
SLOTS: Final = 4
# The context, which the slots share as they need it. In English a turn takes 600 of it, prompt and answer together; in
# scripts that the model hardly knows, of three tokens a character, at most ten times that.
CONTEXT_TOKENS: Final = 8192
# llama.cpp's threads wait for one another by spinning: where they do not each have a core to themselves, an answer
# takes ten times as long. So one core stays free for the web server, and a small model gains nothing past four.
SPARE_CORES: Final = 1
MAX_THREADS: Final = 4

FIRST_BACKOFF: Final = 0.5
LAST_BACKOFF: Final = 30.0
# As long as the next start is no further off than this, it is worth waiting for.
PATIENT_BACKOFF: Final = 2.0
# Having lived this long, a process that dies is restarted as if for the first time.
HEALTHY_SECONDS: Final = 60.0
LOAD_SECONDS: Final = 60.0
# Together they keep stop() under five seconds.
TERM_SECONDS: Final = 2.0
KILL_SECONDS: Final = 2.0

PR_SET_PDEATHSIG: Final = 1
REPOSITORY: Final = Path(__file__).resolve().parents[2]


def serve(model_path: Path, port: int = 0, *, log: Path | None = None, reuse_port: bool = False) -> NoReturn:
    """Serves until SIGTERM, SIGINT, the end of stdin where that is a pipe, or (on Linux) the parent's death.

    Listens on loopback only. It takes over the process, its signals and its standard streams, and ends it: with 0 when
    told to end, with 1 when the model does not load. llama.cpp's log goes to the end of `log`; without one, only its
    errors go to stderr. `reuse_port` shares a port that the parent holds for us."""
    # Blocked before any thread starts, ours or llama.cpp's, which inherits it: only the wait below takes them.
    endings = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, endings)
    _die_with_parent()
    announcements = os.dup(1)
    _send_output_to(log)

    import xllamacpp  # here, after the output: it brings all of llama.cpp

    try:
        server = xllamacpp.Server(_parameters(xllamacpp, model_path, port, reuse_port, quiet=log is None))
    except RuntimeError as failure:
        print(f"The local model {model_path} does not start: {failure}", file=sys.stderr, flush=True)  # noqa: T201
        os._exit(1)
    ready = {"url": f"{server.listening_address}/v1", "pid": os.getpid()}
    os.write(announcements, json.dumps(ready).encode() + b"\n")
    os.close(announcements)
    signal.sigwait(endings)
    # At once: llama.cpp has nothing to save, and told to end just after its start it would wait for itself for ever.
    os._exit(0)


def _parameters(xllamacpp: Any, model_path: Path, port: int, reuse_port: bool, quiet: bool) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = str(model_path)
    params.model_alias = {NAME}
    params.hostnames = [HOST]
    params.port = port
    params.reuse_port = reuse_port
    params.n_parallel = SLOTS
    params.n_ctx = CONTEXT_TOKENS
    params.kv_unified = True
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = _threads()
    # Its default would keep up to 8 GiB of former prompts.
    params.cache_ram_mib = 0
    # Neither its own page, nor what others' slots hold, nor an invitation to other sites' scripts.
    params.ui = params.endpoint_slots = False
    params.cors_origins = f"http://{HOST}"
    params.verbosity = 1 if quiet else 2
    return params


def _threads() -> int:
    # Not the machine's cores but ours: in a container they can be fewer.
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min(cores - SPARE_CORES, MAX_THREADS))


def _die_with_parent() -> None:
    """Ends this process with its parent: by prctl, which is sure, and by stdin, which works everywhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=_end_with_stdin, daemon=True).start()


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    # Not SIGTERM: a model that is still loading would not take it.
    os.kill(os.getpid(), signal.SIGKILL)


def _send_output_to(log: Path | None) -> None:
    """Native code writes to the descriptors, not to sys.stderr. Without a log only stdout is closed to it."""
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if log else 2
    os.dup2(target, 1)
    os.dup2(target, 2)


class LocalModel:
    """Keeps one serving process alive, from a thread of its own: it needs no event loop and disturbs none.

    `url` is valid from construction to `stop()`, and survives restarts: the port is held for us in between. Who asks
    before the model is ready is refused; `wait_ready` waits. A process that dies is restarted, after 0.5 s at first
    and 30 s at most. `state_file` says where it serves, for `find_running` in other processes."""

    def __init__(self, model_path: Path, *, state_file: Path, log: Path) -> None:
        self._command = [sys.executable, "-m", "conversations.local_model.server", str(model_path.resolve())]
        self._state_file = state_file
        self._log = log.resolve()
        self._port = _held_port()
        port = self._port.getsockname()[1]
        self._command += ["--port", str(port), "--reuse-port", "--log", str(self._log)]
        self.url = f"http://{HOST}:{port}/v1"
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._backoff = FIRST_BACKOFF
        self._spawning = threading.Lock()
        # A daemon, so that who forgets stop() still exits. It lives as long as the process it starts: Linux counts
        # the thread that started a process as its parent.
        self._thread = threading.Thread(target=self._keep_alive, name="local-model", daemon=True)

    @property
    def pid(self) -> int | None:
        """The serving process, while there is one."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def is_failing(self) -> bool:
        """Whether it has died again and again, and is not there now: waiting for it may be in vain."""
        return self._backoff > PATIENT_BACKOFF and not self._ready.is_set()

    def start(self) -> None:
        """Returns at once; see `wait_ready`. May be called once. Raises OSError where its files have no place."""
        self._state_file.parent.mkdir(parents=True, exist_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def wait_ready(self, timeout: float) -> bool:
        """Whether the model answers, as soon as it does and after `timeout` seconds at most.

        Blocks its thread: from asyncio, `await asyncio.to_thread(model.wait_ready, timeout)`."""
        return self._ready.wait(timeout)

    def stop(self) -> None:
        """Ends the process, within five seconds. May be called at any time, and again."""
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
        """One process, from its start to its end."""
        with self._spawning:
            if self._stopping.is_set():
                return
            process = subprocess.Popen(  # noqa: S603 - our own words
                self._command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            self._process = process
        with process:  # which closes its pipes and waits for its end
            if self._came_up(process):
                _write_state(self._state_file, self.url, process.pid)
                self._ready.set()
                process.wait()
                self._ready.clear()
                _remove_state(self._state_file, process.pid)

    def _came_up(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.stdout  # noqa: S101 - for the type checker
        too_late = threading.Timer(LOAD_SECONDS, process.kill)
        too_late.daemon = True
        too_late.start()
        try:
            return bool(process.stdout.readline())
        finally:
            too_late.cancel()


def _held_port() -> socket.socket:
    """A free port of loopback. Bound and not listening, so that nobody else is given it while we restart."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind((HOST, 0))
    return held


def _write_state(state_file: Path, url: str, pid: int) -> None:
    """In one step: who reads it never sees half of it."""
    part = state_file.with_name(f"{state_file.name}.{pid}")
    try:
        part.write_text(json.dumps({"url": url, "pid": pid}))
        part.replace(state_file)
    except OSError:
        # Others start a model of their own then; ours serves us all the same.
        logger.exception("Where the local model runs could not be written down.")


def _remove_state(state_file: Path, pid: int) -> None:
    """Unless it speaks of another process by now."""
    with contextlib.suppress(OSError, ValueError):
        if json.loads(state_file.read_text())["pid"] == pid:
            state_file.unlink()


def find_running(state_file: Path, timeout: float = 1.0) -> str | None:
    """The url of a local model that another process keeps and that has just answered; else None.

    Blocks for `timeout` seconds at most, in practice for a millisecond."""
    try:
        url = str(json.loads(state_file.read_text())["url"])
        address = urlsplit(url)
        if address.hostname != HOST or not address.port:
            return None
        # Not urllib: that would ask the environment's proxy.
        connection = http.client.HTTPConnection(HOST, address.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("GET", f"{address.path}/models")
            models = json.load(connection.getresponse())["data"]
        return url if models[0]["id"] == NAME else None
    except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException):
        return None


def main() -> NoReturn:
    parser = argparse.ArgumentParser(prog="python -m conversations.local_model")
    parser.add_argument("model_path", type=Path)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; a free one unless told")
    parser.add_argument("--reuse-port", action="store_true", help="share the port, which the parent holds")
    parser.add_argument("--log", type=Path, help="where llama.cpp's log goes")
    options = parser.parse_args()
    serve(options.model_path, options.port, log=options.log, reuse_port=options.reuse_port)


if __name__ == "__main__":
    main()
