"""Importing AG2 and the providers' SDKs, which takes about 4 s of CPU and 80 MB.

Only processes that run debates need them. They are imported in a thread while the process already serves, and the first
debate waits for that.
"""

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from typing import Final

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
        import_module("conversations.orchestration.assignment")
        import_module("conversations.providers.clients").warm_up()
        gc.freeze()
    finally:
        gc.enable()
