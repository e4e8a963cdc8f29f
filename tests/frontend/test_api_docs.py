"""The API's own page: it works under the site's strict policy, and brings everything it needs."""

import re
from http import HTTPStatus

import pytest
from django.test import Client
from playwright.sync_api import sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.e2e.conftest import CHROMIUM, QUIET, needed

DOCS = "/api/docs"


def test_the_page_holds_no_script_or_style_of_its_own_and_asks_nobody_else(client: Client) -> None:
    answer = client.get(DOCS)
    assert answer.status_code == HTTPStatus.OK
    page = answer.content.decode()
    assert re.findall(r"<script(?![^>]* src=)(?![^>]*application/json)", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []
    asked = re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
    assert asked
    assert all(address.startswith("/static/") for address in asked)
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_it_describes_every_door(client: Client) -> None:
    described = client.get("/api/openapi.json").json()
    assert {(path, method) for path, methods in described["paths"].items() for method in methods} >= {
        ("/api/conversations/", "post"),
        ("/api/conversations/", "get"),
        ("/api/conversations/{conversation}/", "get"),
        ("/api/conversations/{conversation}/events", "get"),
    }


@pytest.mark.e2e
@pytest.mark.slow
def test_a_browser_shows_it_without_complaint(live_server: LiveServer) -> None:
    needed(bool(CHROMIUM), "Chromium")
    complaints: list[str] = []
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{live_server.url}{DOCS}")
        page.get_by_text("Start a debate", exact=True).click()
        page.get_by_role("button", name="Try it out").wait_for()
        browser.close()
    assert complaints == []
    assert [address for address in asked if not address.startswith((live_server.url, "data:"))] == []
