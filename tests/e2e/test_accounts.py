"""Signing up, in and out, and starting a debate without a mouse."""

import re
import secrets

import pytest
from playwright.async_api import Page, expect

from tests.e2e.person import expect_finished, sign_in, sign_out, sign_up
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

# More than the pages have: whoever tabs so often is lost.
MANY_TABS = 40


@pytest.fixture
def name() -> str:
    """A name that is not taken."""
    return f"grace-{secrets.token_hex(4)}"


async def test_a_new_person_signs_up_and_comes_back_by_email(page: Page, demo_site: Site, name: str) -> None:
    await sign_up(page, demo_site, name)
    await expect(page.get_by_text("Your debates will be listed here.")).to_be_visible()
    await sign_out(page)
    await page.goto(demo_site.url)
    await expect(page).to_have_url(re.compile("/accounts/login/"))
    await sign_in(page, demo_site, name=f"{name}@example.com")
    await expect(page.get_by_test_id("account-menu")).to_have_text(name)


async def test_a_wrong_password_is_told_without_saying_who_exists(
    page: Page, demo_site: Site, name: str
) -> None:
    refusals = []
    for who in (demo_site.username, name):
        await page.goto(f"{demo_site.url}/accounts/login/")
        await page.get_by_label("Username or email").fill(who)
        await page.get_by_label("Password").fill(f"not-the-password-{name}")
        await page.get_by_role("button", name="Sign in").click()
        refusals.append(await page.locator(".errorlist, .alert-error").first.inner_text())
        await expect(page.get_by_test_id("start-conversation")).to_have_count(0)
    assert refusals[0] == refusals[1]
    assert "password" in refusals[0]


async def test_a_forgotten_password_can_be_reset_from_the_sign_in_page(
    page: Page, demo_site: Site, name: str
) -> None:
    await page.goto(demo_site.url)
    await page.get_by_role("link", name="Forgot your password?").click()
    await page.get_by_label("Email").fill(f"{name}@example.com")
    await page.get_by_role("button", name=re.compile("reset|send", re.IGNORECASE)).click()
    await expect(page).to_have_url(re.compile("/accounts/password/reset/done/"))


async def test_a_debate_is_started_and_watched_by_keyboard_alone(page: Page, demo_site: Site) -> None:
    await sign_in(page, demo_site)
    await page.reload()
    await expect(page.get_by_test_id("content-input")).to_be_focused()
    await page.keyboard.type("Is cash a position?")
    await _tab_to(page, "start-conversation")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await _tab_to(page, "rounds-input")
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("1")
    await page.keyboard.press("Enter")
    await expect_finished(page)
    # Each message can be reached, and is heard as what it is.
    await _tab_to(page, "agent-message")
    await expect(page.locator(":focus")).to_have_attribute("role", "article")


async def _tab_to(page: Page, hook: str) -> None:
    """Press Tab until the element has the focus, and see that it shows."""
    for _ in range(MANY_TABS):
        await page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if await focused.count() and await focused.get_attribute("data-testid") == hook:
            outline = await focused.evaluate("element => getComputedStyle(element).outlineStyle")
            assert outline != "none"
            return
    pytest.fail(f"{hook} is not reached by the Tab key")
