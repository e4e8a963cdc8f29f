"""The local model of this machine, which this or another process keeps running."""

import asyncio

from django.conf import settings

from conversations.domain.errors import ProviderError
from conversations.local_model import models
from conversations.local_model.models import LocalModel
from conversations.local_model.process import ModelProcess, find_running

# Loading takes 1 to 2 s; after a crash, the backoff is added.
READY_SECONDS = 45.0
POLL_SECONDS = 0.05

_kept: ModelProcess | None = None
# Whether this process starts a model when no other process keeps one.
_may_start = False


def require() -> None:
    """Start the local model, unless another process keeps one; in that case start it later, when a turn needs one and
    no process keeps one. Raises ProviderError if it has to be started and its file does not exist."""
    global _may_start
    if _kept is None and find_running(settings.OUTCRY_LOCAL_STATE, _model()) is None:
        if not settings.OUTCRY_LOCAL_MODEL.exists():
            sentence = f"The local model is missing: {settings.OUTCRY_LOCAL_MODEL}. `make setup` gets it."
            raise ProviderError("provider_not_configured", sentence, retryable=False)
        _keep()
    _may_start = True


def release() -> None:
    """End the model that this process keeps, if any."""
    global _kept, _may_start
    _may_start = False
    kept, _kept = _kept, None
    if kept is not None:
        kept.stop()


def _model() -> LocalModel:
    return models.chosen(settings.OUTCRY_PROVIDERS)


def _keep() -> ModelProcess:
    """Start the local model and keep it running until `release`. A process keeps at most one."""
    global _kept
    if _kept is None:
        log = settings.DATA_DIR / "local-model.log"
        state_file = settings.OUTCRY_LOCAL_STATE
        _kept = ModelProcess(settings.OUTCRY_LOCAL_MODEL, state_file=state_file, log=log, model=_model())
    return _kept


async def url() -> str:
    """The base URL of the OpenAI-compatible endpoint, once it is ready. Raises ProviderError if no process keeps a
    model, or ours takes longer than READY_SECONDS or keeps failing, so that the next provider can answer."""
    kept = _kept
    if kept is None:
        found = await asyncio.to_thread(find_running, settings.OUTCRY_LOCAL_STATE, _model())
        if found is not None:
            return found
        if not (_may_start and settings.OUTCRY_LOCAL_MODEL.exists()):
            raise ProviderError(
                "provider_unreachable",
                "The local model is not running; `make run` starts it.",
                retryable=True,
            )
        kept = _keep()
    # Poll, because a blocked thread for each waiting turn would exhaust the pool.
    loop = asyncio.get_running_loop()
    until = loop.time() + READY_SECONDS
    while (ready := kept.url) is None:
        if kept.is_failing or loop.time() >= until:
            raise ProviderError("provider_unreachable", "The local model does not start.", retryable=True)
        await asyncio.sleep(POLL_SECONDS)
    return ready
