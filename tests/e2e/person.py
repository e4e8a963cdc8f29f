"""A person's actions on the pages."""

import re
from collections.abc import Mapping

from playwright.async_api import Page, expect

from tests.e2e.site import Site

# A debate of a small model on a busy machine takes its time.
DEBATE_SECONDS = 180


async def sign_in(page: Page, site: Site, *, name: str | None = None) -> None:
    """By username or e-mail, on the page where a person who is not signed in ends up."""
    await page.goto(site.url)
    await give_credentials(page, site, name=name)
    await expect(page.get_by_test_id("start-conversation")).to_be_visible()


async def give_credentials(page: Page, site: Site, *, name: str | None = None) -> None:
    """On the sign-in page, which then leads on to where the person wanted to go."""
    await page.get_by_label(re.compile("username|e-?mail", re.IGNORECASE)).first.fill(name or site.username)
    await page.get_by_label("Password", exact=False).first.fill(site.password)
    await page.get_by_role("button", name=re.compile("sign in|log in", re.IGNORECASE)).click()


async def sign_out(page: Page) -> None:
    await page.get_by_test_id("account-menu").click()
    await page.get_by_test_id("sign-out").click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()


async def sign_up(page: Page, site: Site, name: str) -> None:
    """A new account; returns on the dashboard."""
    await page.goto(f"{site.url}/accounts/signup/")
    await page.get_by_label("Email").fill(f"{name}@example.com")
    await page.get_by_label("Username").fill(name)
    await page.get_by_label("Password", exact=True).fill(site.password)
    await page.get_by_label("Password (again)").fill(site.password)
    await page.get_by_role("button", name="Sign up").click()
    await expect(page.get_by_test_id("start-conversation")).to_be_visible()


async def start(page: Page, topic: str, *, content: str = "", rounds: int | None = None) -> None:
    """Fill the form and go; returns on the debate's own page. `content` is pasted, and has several lines."""
    await page.get_by_test_id("content-input").fill(topic)
    if content:
        await paste(page, content)
    if rounds is not None:
        await open_options(page)
        chosen = page.get_by_test_id("rounds-input")
        if await chosen.evaluate("element => element.tagName") == "SELECT":
            await chosen.select_option(str(rounds))
        else:
            await chosen.fill(str(rounds))
    await page.get_by_test_id("start-conversation").click()
    await page.wait_for_url(re.compile(r"/conversations/[0-9a-f-]{36}/"))


async def post(page: Page, path: str, body: Mapping[str, object]) -> str:
    """Post to the API of debates as the page does; returns the answer's id, if it has one."""
    posting = """async ([path, body]) => {
      const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
      const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
      const answer = await fetch("/api/conversations/" + path, { method: "POST", headers, body: JSON.stringify(body) });
      return (await answer.json()).id ?? "";
    }"""
    return str(await page.evaluate(posting, [path, body]))


async def open_options(page: Page) -> None:
    """Unfold the team, the rounds and the limits of a new debate."""
    options = page.get_by_test_id("options")
    if await options.get_attribute("open") is None:
        await options.locator("> summary").click()


async def paste(page: Page, text: str) -> None:
    """Into the box of a new debate, as the clipboard would. A text of several lines becomes a source."""
    await expect(page.get_by_test_id("start-conversation")).to_be_enabled()
    pasting = """(field, text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }"""
    await page.get_by_test_id("content-input").evaluate(pasting, text)


async def expect_finished(page: Page, status: str = "completed") -> None:
    """Wait for the debate's end, and until the page has all of it."""
    await expect(page.get_by_test_id("conversation-status")).to_have_attribute(
        "data-status", status, timeout=DEBATE_SECONDS * 1000
    )
    # A debate that is over says so before its words have arrived.
    await expect(page.get_by_test_id("connection-status")).to_have_attribute("data-state", "closed")


async def transcript(page: Page) -> list[tuple[str | None, str]]:
    """(agent, text) of every message on the page, also of those far out of sight, which are not laid out."""
    messages = page.get_by_test_id("agent-message")
    return [
        (
            await message.get_attribute("data-agent"),
            " ".join((await message.text_content() or "").split()),
        )
        for message in await messages.all()
    ]
