"""A program that watches a site over its WebSocket, signed in as its administrator."""

import contextlib
import http.cookiejar
import json
import re
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from tests.e2e.site import Site


def signed_in(site: Site) -> str:
    """The cookies of a new session, got as a browser gets them."""
    return _cookies(_browser_of(site)[1])


def key_of(site: Site, *scopes: str) -> str:
    """A new API key of the administrator's. For one, the password is asked for once more."""
    browser, jar = _browser_of(site)
    _submit(browser, f"{site.url}/accounts/reauthenticate/", {"password": site.password})
    cookies = _cookies(jar)
    token = re.search(r"csrftoken=([^;]+)", cookies)
    assert token is not None
    request = urllib.request.Request(
        f"{site.url}/api/keys/",
        json.dumps({"name": "program", "scopes": scopes}).encode(),
        {"Cookie": cookies, "X-CSRFToken": token[1], "Origin": site.url, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        made: str = json.load(answer)["key"]
    return made


def _browser_of(site: Site) -> tuple[urllib.request.OpenerDirector, http.cookiejar.CookieJar]:
    """A browser that has signed in, and its cookies."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    _submit(browser, f"{site.url}/accounts/login/", {"login": site.username, "password": site.password})
    return browser, jar


def _submit(browser: urllib.request.OpenerDirector, address: str, fields: dict[str, str]) -> None:
    """Fill in the form of the page at this address, and send it there."""
    with browser.open(address) as page:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())
    assert found is not None
    body = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": found[1]}).encode()
    origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(address))
    with browser.open(urllib.request.Request(address, body, {"Referer": address, "Origin": origin})):
        pass


def _cookies(jar: http.cookiejar.CookieJar) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


@asynccontextmanager
async def socket(
    site: Site, cookies: str, path: str = "/ws/conversations/"
) -> AsyncIterator[ClientConnection]:
    async with connect(
        site.url.replace("http", "ws", 1) + path,
        additional_headers={"Cookie": cookies},
        origin=site.url,  # type: ignore[arg-type]
        max_size=None,
    ) as connection:
        yield connection


async def frames(connection: ClientConnection) -> AsyncIterator[dict[str, Any]]:
    """Every frame to the close; `connection.close_code` then says why."""
    with contextlib.suppress(ConnectionClosedError):
        async for text in connection:
            yield json.loads(text)
