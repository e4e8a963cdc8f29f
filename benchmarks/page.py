"""A long debate in a browser: how long its page is busy in one go, beside a page that draws everything at once.

1. Open: all messages arrive, and are drawn.
2. Scroll: by the wheel, then in jumps.
3. Stream: one more message grows, a piece each frame.

The frames come from this process instead of the server, so that what is measured is the page. The plain page parses a
message's whole Markdown with each piece, and has no size or order to its work.
"""

import json
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import BrowserContext, Page, WebSocketRoute, sync_playwright
from rich.console import Console
from rich.table import Table

from tests.e2e.conftest import CHROMIUM
from tests.e2e.site import ROOT, Site, running
from tests.support.prose import report

# Every task that takes longer counts as long: the browser's own definition, in milliseconds.
LONG_TASK: Final = 50
# The aim for Outcry's page, in milliseconds.
AIM: Final = 150
MARKED: Final = ROOT / "frontend/node_modules/marked/lib/marked.umd.js"
PIECE: Final = 80
AGENTS: Final = ("Financial Analyst", "Market Context", "Risk Challenger")
_OBSERVE: Final = """
    window.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
    }).observe({ type: "longtask", buffered: true });
"""
_DRAWN: Final = """
    (count) => document.querySelectorAll("outcry-message").length === count
      && document.querySelectorAll("outcry-message .prose:empty:not([hidden])").length === 0
"""
_PLAIN: Final = """
    ([text, count]) => new Promise((resolve) => setTimeout(() => {
      for (let index = 0; index < count; index += 1) {
        document.body.append(document.createElement("article"));
        document.body.lastChild.innerHTML = marked.parse(text);
      }
      resolve();
    }))
"""
_PLAIN_PIECE: Final = """
    (text) => new Promise((resolve) => setTimeout(() => {
      document.body.lastChild.innerHTML = marked.parse(text);
      resolve();
    }))
"""


@dataclass(frozen=True)
class Load:
    messages: int
    characters: int


@dataclass(frozen=True)
class Row:
    """The longest task of each part in milliseconds; 0 if none was long."""

    name: str
    opened: float
    scrolled: float
    streamed: float


def run(load: Load) -> list[Row]:
    if not CHROMIUM:
        raise SystemExit("The page is measured in Chromium, which is not installed.")
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), {"OUTCRY_PROVIDERS": "demo"}) as site,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_init_script(_OBSERVE)
        return [_plain(context.new_page(), load), _outcry(context, site, load)]


def show(load: Load, rows: list[Row]) -> None:
    table = Table(
        title=f"A debate of {load.messages} messages of {load.characters:,} characters",
        caption=f"longest task in ms; the aim is {AIM}; shorter ones than {LONG_TASK} ms are not seen",
    )
    for title in ("", "open", "scroll", "stream"):
        table.add_column(title, justify="left" if not title else "right")
    for row in rows:
        cells = (
            f"{value:.0f}" if value else f"< {LONG_TASK}"
            for value in (row.opened, row.scrolled, row.streamed)
        )
        table.add_row(row.name, *cells)
    Console().print(table)


def _outcry(context: BrowserContext, site: Site, load: Load) -> Row:
    page = context.new_page()
    _start(page, site)
    sockets: list[WebSocketRoute] = []
    frames = _Frames()
    history = [
        *frames.begin(),
        *(each for _ in range(load.messages - 1) for each in frames.message(load.characters)),
    ]

    def serve(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        for frame in [frames.hello(len(history)), *history]:
            socket.send(json.dumps(frame))

    page.route_web_socket("**/ws/**", serve)
    page.reload()
    while not page.evaluate(_DRAWN, load.messages - 1):
        page.wait_for_timeout(100)
    opened = _longest(page)
    scrolled = _scroll(page)
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    for frame in frames.message(load.characters):
        sockets[-1].send(json.dumps(frame))
        page.wait_for_timeout(16)
    return Row("Outcry", opened, scrolled, _longest(page))


def _plain(page: Page, load: Load) -> Row:
    page.route("**/*", lambda route: route.fulfill(content_type="text/html", body="<!doctype html><body>"))
    page.goto("http://plain.invalid/")
    page.add_script_tag(path=MARKED)
    text = report(load.characters)
    page.evaluate(_PLAIN, [text, load.messages])
    opened = _longest(page)
    scrolled = _scroll(page)
    for end in range(PIECE, load.characters, PIECE):
        page.evaluate(_PLAIN_PIECE, text[:end])
        page.wait_for_timeout(16)
    return Row("all at once", opened, scrolled, _longest(page))


def _start(page: Page, site: Site) -> None:
    """Sign in and start a debate, whose page is used; returns on it."""
    page.goto(f"{site.url}/accounts/login/")
    page.locator("[name=login]").fill(site.username)
    page.locator("[name=password]").fill(site.password)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(f"{site.url}/**")
    page.get_by_test_id("start-conversation").wait_for()
    token = page.locator("[name=csrfmiddlewaretoken]").first.input_value()
    made = page.request.post(
        f"{site.url}/api/conversations/",
        data={"topic": "Is it worth 28 times earnings?"},
        headers={"X-CSRFToken": token, "Referer": site.url},
    )
    page.goto(f"{site.url}/conversations/{made.json()['id']}/")


def _scroll(page: Page) -> float:
    page.mouse.move(500, 400)
    for _ in range(40):
        page.mouse.wheel(0, 1_500)
        page.wait_for_timeout(16)
    for tenth in range(10):
        page.evaluate("(part) => scrollTo(0, document.documentElement.scrollHeight * part)", tenth / 10)
        page.wait_for_timeout(200)
    return _longest(page)


def _longest(page: Page) -> float:
    """The longest task since the last look."""
    # The browser reports a task after it.
    page.wait_for_timeout(500)
    found: float = page.evaluate("() => { const found = window.longest; window.longest = 0; return found; }")
    return found


class _Frames:
    """The frames of a running debate, as the server sends them."""

    def __init__(self) -> None:
        self._seq = 0
        self._spoken = 0

    def hello(self, head: int) -> dict[str, Any]:
        data = {"head": head, "status": "active", "mode": "live", "recovered": True, "from": 0}
        return self._frame("hello", {**data, "heartbeat_seconds": 3_600, "session": "0"}, None)

    def begin(self) -> Iterator[dict[str, Any]]:
        for status in ("queued", "initializing", "active"):
            yield self._next("status", {"status": status, "mode": "live", "reason": None})

    def message(self, characters: int) -> Iterator[dict[str, Any]]:
        agent = AGENTS[self._spoken % len(AGENTS)]
        of = {
            "message": str(uuid.uuid4()),
            "agent": agent,
            "role": agent.lower().replace(" ", "_"),
            "kind": "analysis",
            "round": self._spoken // len(AGENTS) + 1,
            "mode": "live",
            "model": "stand-in",
            "provider": "openai",
        }
        self._spoken += 1
        text = report(characters)
        yield self._next("message_start", {**of, "streaming": True})
        for offset in range(0, len(text), PIECE):
            piece = {"offset": offset, "text": text[offset : offset + PIECE], "token_count": 20, "cost": None}
            yield self._next("token", {"message": of["message"], **piece})
        end = {"confidence": None, "usage": {"input_tokens": None, "output_tokens": None}, "cost": None}
        yield self._next(
            "agent_message",
            {**of, **end, "content": text, "token_count": 1, "finish_reason": "stop", "duration_ms": 1},
        )

    def _next(self, type_: str, data: dict[str, Any]) -> dict[str, Any]:
        self._seq += 1
        return self._frame(type_, data, self._seq)

    @staticmethod
    def _frame(type_: str, data: dict[str, Any], seq: int | None) -> dict[str, Any]:
        return {
            "type": type_,
            "seq": seq,
            "conversation": None,
            "at": datetime.now(UTC).isoformat(),
            "data": data,
        }
