"""The whole application on uvicorn, in the event loop of a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pytest_django import Settings

from config.management.servers import listener
from config.management.servers import serving as serving_on


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """Its address; stopped at the end. Without a lifespan: nothing is taken up or handed over."""
    from config.asgi import application

    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    with listener("127.0.0.1", 0) as bound:
        settings.OUTCRY_SITE_URL = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with serving_on(application, bound):
            yield settings.OUTCRY_SITE_URL
