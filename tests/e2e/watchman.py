"""Sees what a page does beyond showing words: requests, dialogs, errors, other pages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import BrowserContext, ConsoleMessage, Page


@dataclass
class Watchman:
    """Records requests, errors and messages of all pages of a browser."""

    requests: list[str] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)

    def look_at(self, context: BrowserContext) -> None:
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("console", self._console)
        context.on("weberror", lambda error: self.happened.append(f"error: {error.error}"))
        context.on("dialog", lambda dialog: self.happened.append(f"dialog: {dialog.message}"))
        context.on("page", self._page)

    def _page(self, page: Page) -> None:
        page.on("popup", lambda popup: self.happened.append(f"popup: {popup.url}"))
        page.on("download", lambda download: self.happened.append(f"download: {download.url}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.happened.append(f"{message.type}: {message.text}")

    def elsewhere(self, site: str) -> list[str]:
        """The requests that did not go to the site. What a page holds itself (data:) is no request."""
        return [url for url in self.requests if not url.startswith((f"{site}/", "data:"))]


@dataclass
class Beacon:
    """Another server on this machine, which nobody has a reason to ask."""

    url: str = ""
    hits: list[str] = field(default_factory=list)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The connection alone counts: a browser may open one before it knows what for.
        self.hits.append((await reader.readline()).decode("latin-1").strip())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


@asynccontextmanager
async def beacon() -> AsyncIterator[Beacon]:
    lit = Beacon()
    server = await asyncio.start_server(lit.connected, "127.0.0.1", 0)
    lit.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield lit
    finally:
        server.close()
        await server.wait_closed()
