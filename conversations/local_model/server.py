"""The local model's server: llama.cpp's OpenAI-compatible HTTP server, as a process of its own.

    python -m conversations.local_model.server MODEL_PATH LOG NAME

prints one line, {"url": ..., "pid": ...}, when it is ready. Nothing here imports Django: a start takes a second.
"""

import json
import os
import signal
import sys
import threading
from typing import Any, Final, NoReturn

from conversations.local_model.models import BY_NAME, LocalModel

HOST: Final = "127.0.0.1"

# One core is left to the web server: llama.cpp's threads spin while they wait for one another, and without a core for
# each an answer takes ten times as long. A model this small gains nothing from more than four.
SPARE_CORES: Final = 1
MAX_THREADS: Final = 4


def serve(model_path: str, log: str, name: str) -> NoReturn:
    """Serve on a free port of loopback until SIGTERM, SIGINT, or the end of stdin, which closes with the parent.

    Takes over the process with its signals and standard streams, and exits with status 0, or with 1 if the model does
    not load. Errors and llama.cpp's log are appended to the file `log`."""
    # Block the signals before llama.cpp starts threads, which inherit this, so that only sigwait below receives them.
    endings = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, endings)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    announcements = os.dup(1)
    _redirect_output(log)

    import xllamacpp  # after the redirection: it loads all of llama.cpp

    try:
        server = xllamacpp.Server(_parameters(xllamacpp, model_path, BY_NAME[name]))
    except RuntimeError as failure:
        print(f"The local model {model_path} does not start: {failure}", file=sys.stderr, flush=True)  # noqa: T201
        os._exit(1)
    ready = {"url": f"{server.listening_address}/v1", "pid": os.getpid()}
    os.write(announcements, json.dumps(ready).encode() + b"\n")
    os.close(announcements)
    signal.sigwait(endings)
    # Exit without llama.cpp's clean-up, which saves nothing, and hangs shortly after a start.
    os._exit(0)


def _parameters(xllamacpp: Any, model_path: str, model: LocalModel) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = model_path
    params.model_alias = {model.name}
    params.hostnames = [HOST]
    params.port = 0
    params.n_parallel = model.slots
    params.n_ctx = model.context
    params.kv_unified = True
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = model.threads or _threads()
    params.no_extra_bufts = model.is_lean
    # The default would cache up to 8 GiB of former prompts.
    params.cache_ram_mib = 0
    # No web page, no view of other turns' prompts, and no requests from pages of other origins.
    params.ui = params.endpoint_slots = False
    params.cors_origins = f"http://{HOST}"
    params.verbosity = 2
    return params


def _threads() -> int:
    # The cores of this process, which in a container can be fewer than the machine's.
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min(cores - SPARE_CORES, MAX_THREADS))


def _end_with_stdin() -> None:
    """End this process when its parent, which holds the other end of the pipe, has ended."""
    while os.read(0, 4096):
        pass
    # Not SIGTERM, which is blocked while the model loads.
    os.kill(os.getpid(), signal.SIGKILL)


def _redirect_output(log: str) -> None:
    # Redirect the descriptors, because llama.cpp's native code writes to them. stdout is for the one line only.
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(target, 1)
    os.dup2(target, 2)


if __name__ == "__main__":
    serve(*sys.argv[1:])
