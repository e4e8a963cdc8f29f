"""The marks of a demo on the page."""

from playwright.async_api import Page, expect

# The mark's place on the screen, and whether a click on it goes to what it lies behind.
_MARK = """element => {
  const { top, left, bottom, right } = element.getBoundingClientRect();
  const covers = top <= 0 && left <= 0 && bottom >= innerHeight && right >= document.documentElement.clientWidth;
  return covers && getComputedStyle(element).pointerEvents === "none" && element.textContent.includes("DEMO");
}"""


async def expect_watermark(page: Page) -> None:
    """It covers the screen wherever the page is scrolled to, hinders nobody, and a printer draws it, too."""
    watermark = page.get_by_test_id("watermark")
    await expect(watermark).to_have_count(1)
    for place in (0, 400, 100_000):
        await page.evaluate("top => scrollTo(0, top)", place)
        assert await watermark.evaluate(_MARK)
    await page.emulate_media(media="print")
    await expect(watermark).to_be_visible()
    await page.emulate_media(media="screen")
