"""Whether everybody can use a page, on a phone too."""

from typing import Any

from playwright.async_api import Page

from tests.e2e.conftest import needed
from tests.e2e.site import ROOT

# axe-core, MPL-2.0: used here as it comes, and part of nothing that is served.
AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
WIDTH, HEIGHT = 390, 844


async def expect_usable(page: Page, width: int = WIDTH) -> None:
    """The page does not scroll sideways, and axe finds nothing to object to."""
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide == width, f"{page.url} is {wide} pixels wide"
    found = await violations(page)
    assert found == [], "\n".join(found)


async def violations(page: Page) -> list[str]:
    needed(AXE.exists(), "axe-core (npm ci in frontend/)")
    await page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = await page.evaluate("axe.run().then(({ violations }) => violations)")
    return [
        f"{page.url} {violation['id']}: {violation['help']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ]
