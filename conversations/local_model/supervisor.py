"""Where the local model answers: kept by this process, or by another one on this machine."""

import asyncio

from django.conf import settings

from conversations.domain.errors import ProviderError
from conversations.local_model.server import LocalModel, find_running

# Loading takes a second or two; a restart after a crash can wait for its backoff.
READY_SECONDS = 45.0
LOOK_SECONDS = 0.05

_kept: LocalModel | None = None
# Whether this process starts one where no other keeps one any more.
_serves = False


def keep() -> LocalModel:
    """Start the local model and keep it running until `release`. One a process."""
    global _kept
    if _kept is None:
        log = settings.DATA_DIR / "local-model.log"
        _kept = LocalModel(settings.OUTCRY_LOCAL_MODEL, state_file=settings.OUTCRY_LOCAL_STATE, log=log)
        _kept.start()
    return _kept


def require() -> None:
    """Start the local model. Raises ProviderError if its file is not there."""
    if not settings.OUTCRY_LOCAL_MODEL.exists():
        sentence = f"The local model is missing: {settings.OUTCRY_LOCAL_MODEL}. `make setup` gets it."
        raise ProviderError("provider_not_configured", sentence, retryable=False)
    keep()


def is_available() -> bool:
    """Whether a local model is kept, by this process or by another one on this machine."""
    return _kept is not None or is_running_elsewhere()


def take_over() -> None:
    """From now on, until `release`, start one where it is wanted and no process keeps one any more."""
    global _serves
    _serves = True


def release() -> None:
    """End the model this process keeps, if any."""
    global _kept, _serves
    _serves = False
    kept, _kept = _kept, None
    if kept is not None:
        kept.stop()


def is_running_elsewhere() -> bool:
    """Whether another process on this machine keeps one that answers."""
    return find_running(settings.OUTCRY_LOCAL_STATE) is not None


async def url() -> str:
    """The base URL of the OpenAI-compatible endpoint, once it answers. Raises ProviderError."""
    if (kept := _kept) is not None:
        await _ready(kept)
        return kept.url
    found = await asyncio.to_thread(find_running, settings.OUTCRY_LOCAL_STATE)
    if found is None and _serves and settings.OUTCRY_LOCAL_MODEL.exists():
        # The process that kept it has gone.
        kept = keep()
        await _ready(kept)
        return kept.url
    if found is None:
        raise ProviderError(
            "provider_unreachable", "The local model is not running; `make run` starts it.", retryable=True
        )
    return found


async def _ready(kept: LocalModel) -> None:
    """Return once it answers. Raises ProviderError where it takes too long, or dies again and again: then the next
    provider speaks meanwhile. By looking again: a thread for each turn that waits would leave none for others."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            while not kept.wait_ready(0):
                if kept.is_failing:
                    break
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return
    except TimeoutError:
        pass
    raise ProviderError("provider_unreachable", "The local model does not start.", retryable=True)
