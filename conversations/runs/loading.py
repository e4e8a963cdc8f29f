"""Importing AG2 and the SDKs of the configured providers, which takes 2 to 5 s of CPU.

Only processes that run debates need them. They are imported in a thread while the process already serves, and the first
debate waits for that.
"""

import asyncio
import gc
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Final

from django.conf import settings

# SDKs that AG2 imports if it finds them, by the kind of provider that uses them: together 3 s of CPU and 55 MB.
_SDKS: Final = {"anthropic": "anthropic", "gemini": "google.genai", "ollama": "ollama"}
# One thread, so that further calls wait for an import that is under way.
_importer: Final = ThreadPoolExecutor(1, thread_name_prefix="outcry-import")


async def load() -> None:
    """Wait until everything is imported."""
    await asyncio.get_running_loop().run_in_executor(_importer, import_all)


@cache
def import_all() -> None:
    # Collecting garbage among half a million new objects would block the event loop for about 0.1 s. They are
    # permanent, so they are also excluded from later collections.
    gc.disable()
    try:
        import_module("genai_prices")
        with _not_imported(_unused_sdks()):
            import_module("ag2")
        import_module("conversations.orchestration.assignment")
        import_module("conversations.providers.clients").warm_up()
        gc.freeze()
    finally:
        gc.enable()


def _unused_sdks() -> set[str]:
    used = {entry.partition(":")[0] for entry in settings.OUTCRY_PROVIDERS}
    return {sdk for kind, sdk in _SDKS.items() if kind not in used}


@contextmanager
def _not_imported(modules: set[str]) -> Iterator[None]:
    """While this lasts, an import of one of the modules in this thread fails, unless it was imported before. AG2 then
    leaves out the provider, and an import of its client that comes later succeeds."""
    finder = _Missing(modules)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Missing(MetaPathFinder):
    def __init__(self, modules: set[str]) -> None:
        self._modules = modules
        self._thread = threading.get_ident()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name in self._modules and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is not imported before it is used.", name=name)
