"""A line between a browser and a site that a test can cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from tests.e2e.site import Site


@dataclass
class Line:
    """Passes bytes on to `port` of this machine, while it is not cut."""

    port: int
    is_cut: bool = False
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        """Every connection breaks off where it stands, and new ones get no further."""
        self.is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        self.is_cut = False

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        ends = {writer, far_writer}
        self._open |= ends
        try:
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
    except (ConnectionError, RuntimeError):
        # Cut, or the other end has gone: so has this one.
        writer.transport.abort()


@asynccontextmanager
async def line_to(site: Site) -> AsyncIterator[tuple[Line, Site]]:
    """A line to the site, and the site as it is seen through it."""
    port = urlsplit(site.url).port
    assert port is not None
    line = Line(port)
    server = await asyncio.start_server(line.connected, "127.0.0.1", 0)
    try:
        yield line, replace(site, url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    finally:
        line.cut()
        server.close()
        await server.wait_closed()
