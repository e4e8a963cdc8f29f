"""Which pages may open a WebSocket with this site's cookies: those of its own scheme, host and port."""

from typing import Any

import pytest
from pytest_django import Settings

from streaming.transports.websocket.origin import SameOriginOnly

PROXY = ("HTTP_X_FORWARDED_PROTO", "https")


async def is_let_in(origin: str, *, host: str = "site.example", scheme: str = "ws", **headers: str) -> bool:
    reached: list[bool] = []

    async def application(*_: Any) -> None:
        reached.append(True)

    messages = iter(["connect", "disconnect"])

    async def receive() -> dict[str, Any]:
        return {"type": f"websocket.{next(messages)}", "code": 1005}

    async def send(_: Any) -> None: ...

    sent = {"host": host, "origin": origin, **headers}
    scope = {
        "type": "websocket",
        "scheme": scheme,
        "path": "/",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()],
    }
    await SameOriginOnly(application)(scope, receive, send)
    return bool(reached)


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["site.example"]


@pytest.mark.parametrize(
    ("origin", "scheme", "expected"),
    [
        ("http://site.example", "ws", True),
        ("https://site.example", "wss", True),
        ("http://site.example", "wss", False),
        ("https://site.example", "ws", False),
        ("ftp://site.example", "ws", False),
        ("ws://site.example", "ws", False),
        ("//site.example", "ws", False),
        ("null", "ws", False),
    ],
)
async def test_an_origin_needs_the_scheme_of_the_site(origin: str, scheme: str, expected: bool) -> None:
    assert await is_let_in(origin, scheme=scheme) is expected


@pytest.mark.parametrize(
    ("origin", "forwarded", "expected"),
    [
        ("https://site.example", "https", True),
        ("https://site.example", "https, http", True),
        ("http://site.example", "https", False),
        ("http://site.example", "http", True),
        ("https://site.example", "http", False),
    ],
)
async def test_behind_a_proxy_the_scheme_is_the_one_that_it_tells(
    settings: Settings, origin: str, forwarded: str, expected: bool
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = PROXY
    assert await is_let_in(origin, x_forwarded_proto=forwarded) is expected


async def test_without_a_proxy_a_client_tells_no_scheme(settings: Settings) -> None:
    assert not await is_let_in("https://site.example", x_forwarded_proto="https")


async def test_trusted_origins_are_let_in_by_their_own_scheme(settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://site.example"]
    assert await is_let_in("https://site.example")
    settings.CSRF_TRUSTED_ORIGINS = ["https://other.example"]
    assert not await is_let_in("http://other.example")
