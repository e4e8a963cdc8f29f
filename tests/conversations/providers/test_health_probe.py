"""The health probe of a silent provider's host."""

import asyncio

from conversations.providers import health_probe
from conversations.providers.catalog import parse


def test_every_kind_but_our_own_has_a_host_to_ask() -> None:
    addresses = {
        entry: health_probe.address(parse(entry)) for entry in ("local", "demo", "openai:m", "ollama:m")
    }
    assert addresses["local"] is addresses["demo"] is None
    assert addresses["openai:m"] == "https://api.openai.com/v1/models"
    compatible = parse("openai-compatible:m@http://h/v1?key=1")
    assert health_probe.address(compatible) == "http://h/v1/models?key=1"


async def test_a_host_whose_answer_is_long_is_alive() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await health_probe.is_alive(f"http://127.0.0.1:{port}/v1/models")
