"""The marks of a demo on the page."""

from playwright.async_api import Page, expect

# Whether the mark covers the page.
_MARK = """element => {
  const { top, left, bottom, right } = element.getBoundingClientRect();
  const covers = top <= 0 && left <= 0 && bottom >= innerHeight && right >= document.documentElement.clientWidth;
  return covers && element.textContent.includes("DEMO");
}"""


async def expect_watermark(page: Page) -> None:
    """A printer draws it across each page; on the screen it would make the text harder to read."""
    watermark = page.get_by_test_id("watermark")
    await expect(watermark).to_be_hidden()
    await page.emulate_media(media="print")
    await expect(watermark).to_be_visible()
    assert await watermark.evaluate(_MARK)
    await page.emulate_media(media="screen")
