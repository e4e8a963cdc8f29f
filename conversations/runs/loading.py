"""Importing what speaks a debate: AG2 and the providers' SDKs, which take about 4 s of CPU and 80 MB.

Only processes that run debates need it, and only once they serve: it is imported in a thread, while the event loop
goes on, and the first debate waits for it.
"""

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Final

# One thread: whoever asks while the import is under way waits for that import.
_importer: Final = ThreadPoolExecutor(1, thread_name_prefix="outcry-import")
_is_loaded = False


async def load() -> None:
    """Return once debates can be run without importing anything more. Called again, it returns at once."""
    if not _is_loaded:
        await asyncio.get_running_loop().run_in_executor(_importer, _import)


def _import() -> None:
    global _is_loaded
    if _is_loaded:
        return
    # A collection amid half a million new objects would stop the event loop for some 0.1 s, and find nothing. They
    # stay, so later collections need not look through them, either.
    gc.disable()
    try:
        import_module("genai_prices")
        import_module("conversations.orchestration.debate")
        import_module("conversations.providers.chunk_parser").warm_up()
        gc.freeze()
    finally:
        gc.enable()
    _is_loaded = True
