"""Words that want to be more than words, from a model and from a person: they are shown, and do nothing."""

import json
import re
from collections.abc import AsyncIterator, Sequence

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.e2e.person import expect_finished, sign_in, start
from tests.e2e.site import Site
from tests.e2e.watchman import Beacon, Watchman, beacon
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import VERDICT, asks, says
from tests.fakes.waiting import Gate

pytestmark = pytest.mark.e2e

HTML = (
    "<script>alert(1)</script>",
    "<script src='{url}/script.js'></script>",
    "<img src=x onerror=alert(1)>",
    "<img src='{url}/pixel.png' srcset='{url}/pixel2.png 2x'>",
    "<svg onload=alert(1)><image href='{url}/svg.png'/><use href='{url}/use.svg#a'/></svg>",
    "<math><mtext><table><mglyph><style><img src='{url}/m.png' onerror=alert(1)></style></mglyph></table></math>",
    "<meta http-equiv='refresh' content='0;url={url}/refresh'>",
    "<base href='{url}/'>",
    "<link rel='stylesheet' href='{url}/sheet.css'><link rel='preconnect' href='{url}'>",
    "<link rel='prefetch' href='{url}/prefetch'><link rel='dns-prefetch' href='{url}'>",
    "<iframe src='{url}/frame' srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<object data='{url}/object'></object><embed src='{url}/embed'>",
    "<form action='{url}/form' id=stolen><input name=password autofocus onfocus=alert(1)><button>Go</button></form>",
    "<style>@import '{url}/import.css'; body {{ display: none; background: url({url}/css.png) }}</style>",
    "<p style='position:fixed;inset:0;background:url({url}/inline.png)'>over everything</p>",
    "<video autoplay poster='{url}/poster.png'><source src='{url}/v.mp4' onerror=alert(1)></video>",
    "<audio src='{url}/a.mp3' autoplay onerror=alert(1)></audio>",
    "<a href='{url}/ping' ping='{url}/pinged' onclick=alert(1)>linked</a>",
    "<details open ontoggle=alert(1)><summary>details</summary></details>",
    "<!-- <img src='{url}/comment.png'> --><!--><script>alert(1)</script>-->",
    "<outcry-debate data-from='debate'></outcry-debate><outcry-verdict></outcry-verdict>",
    "<template shadowrootmode=open><script>alert(1)</script></template>",
    "</article></outcry-debate></main></body><h1 id=debate>Outcry says: buy</h1>",
)
MARKDOWN = (
    "![beacon]({url}/md.png)",
    "![beacon][ref]\n\n[ref]: {url}/ref.png",
    "[click](javascript:alert(1)) [click](JaVaScRiPt&#58;alert(1)) [click](data:text/html,<script>alert(1)</script>)",
    "[click](vbscript:alert) [click](//evil.example/) [click](\x01javascript:alert(1))",
    "<{url}/auto> and {url}/bare and www.evil.example and mailto:a@evil.example",
    "[![nested]({url}/nested.png)]({url}/nested)",
    '![{{\\"]({url}/attribute.png"onload=alert(1)//)',
    "`<img src=x onerror=alert(1)>`\n\n```html\n<script>alert(1)</script>\n```",
    "| a | b |\n|---|---|\n| <img src={url}/cell.png onerror=alert(1)> | ![x]({url}/cell2.png) |",
    "\u202eesrever si siht\u202c and \u2066isolated\u2069 and \u200bnothing\u200b and \ufeffmark",
    "$\\href{{javascript:alert(1)}}{{x}}$ $\\includegraphics{{{url}/tex.png}}$",
    "$\\htmlStyle{{color:red}}{{y}}$ $\\frac{{1}}{{2}}$",
    "{long}",
    # Drawn as Markdown: deeper quotes are shown as they are.
    "> " * 20 + "deep",
    "*" * 400 + "[" * 200,
)
# More than Markdown can draw.
TOO_DEEP = "Before.\n\n" + "> " * 60 + "deep <script>alert(1)</script>"
ACTIVE = (
    "script, style, link, meta, base, img, picture, svg, math:not(outcry-formula > math), iframe, object, embed,"
    " form, input, video, audio, template"
)


def attacks(url: str) -> list[str]:
    """Everything, each between words that must still be there to read."""
    texts = [text.format(url=url, long="x" * 6000) for text in (*HTML, *MARKDOWN)]
    return [f"Before {number}.\n\n{text}\n\nAfter {number}.\n\n" for number, text in enumerate(texts)]


def pieces(text: str, size: int = 97) -> Sequence[str]:
    """As a model sends it: cut anywhere."""
    return [text[place : place + size] for place in range(0, len(text), size)]


@pytest.fixture
async def elsewhere() -> AsyncIterator[Beacon]:
    async with beacon() as lit:
        yield lit


@pytest.fixture
def watchman(context: BrowserContext) -> Watchman:
    watchman = Watchman()
    watchman.look_at(context)
    return watchman


def assert_nothing_happened(watchman: Watchman, site: Site, elsewhere: Beacon) -> None:
    assert watchman.requests
    assert watchman.elsewhere(site.url) == []
    assert watchman.happened == []
    assert elsewhere.hits == []


async def test_what_a_model_says_is_only_words(
    watchman: Watchman, page: Page, live_site: Site, model: OpenAIServer, elsewhere: Beacon
) -> None:
    texts = attacks(elsewhere.url)
    # Not all at once: half a tag or half a link must be as harmless as the whole.
    model.answer(says(*pieces("".join(texts)), tokens_per_second=100), to="Financial Analyst")
    model.answer(says(TOO_DEEP), to="Market Context")
    verdict = {
        **VERDICT,
        "summary": texts[0] + texts[3],
        "consensus": texts[-13] + texts[2],
        "dissent": texts[12],
        "key_points": [texts[4], texts[13]],
        "risks": [texts[20]],
        "would_change": texts[8],
        "horizon": texts[7],
    }
    model.answer(says(json.dumps(verdict)), to="Moderator")
    await sign_in(page, live_site)
    await start(page, "Is it safe?", rounds=1)
    await expect_finished(page)
    await expect(page.get_by_test_id("verdict")).to_be_visible()

    said = page.locator('[data-agent="Financial Analyst"] .prose')
    for number in range(len(texts)):
        await expect(said).to_contain_text(f"Before {number}.")
        await expect(said).to_contain_text(f"After {number}.")
    # Raw HTML is shown as the text that it is.
    for text in ("<script>alert(1)</script>", "<base href=", "<iframe src=", "onload=alert(1)", "<!-- "):
        await expect(said).to_contain_text(text)
    await expect(page.locator('[data-agent="Market Context"] .prose .plain')).to_have_text(TOO_DEEP)
    await _expect_plain(page)
    assert await page.title() == "Is it safe? · Outcry"

    await page.reload()
    await expect_finished(page)
    await _expect_plain(page)
    assert_nothing_happened(watchman, live_site, elsewhere)


async def _expect_plain(page: Page) -> None:
    """Nothing in what was said is more than text and links that say where they lead."""
    ours = ".leads-to, .plain, .table-frame, .table-view, .table-actions, .figure"
    for selector in (ACTIVE, f"[style], [id], [class]:not({ours}), [ping], [autofocus]"):
        await expect(page.locator(".prose").locator(selector)).to_have_count(0)
    handlers = await page.evaluate(
        """() => [...document.querySelectorAll('.prose *')]
            .flatMap(element => element.getAttributeNames()).filter(name => name.startsWith('on'))"""
    )
    assert handlers == []
    links = page.locator(".prose a")
    for link in await links.all():
        address = await link.get_attribute("href") or ""
        assert re.match(r"https?://", address), address
        assert await link.get_attribute("rel") == "noopener noreferrer nofollow ugc"
    assert await links.count() > 0
    assert await page.evaluate("document.baseURI") == page.url
    await _expect_not_wide(page)


async def test_what_a_person_writes_is_only_words(
    watchman: Watchman, page: Page, live_site: Site, model: OpenAIServer, elsewhere: Beacon
) -> None:
    title = f"</title></script><script>alert(1)</script><img src={elsewhere.url}/t.png onerror=alert(1)>"
    topic = f"{title}{{{{ topic }}}} {{% now %}} \u202eecirp\u202c &lt;b&gt; {'w' * 200}"
    content = "".join(attacks(elsewhere.url))
    await sign_in(page, live_site)
    await start(page, topic, content=content, rounds=1)
    await expect_finished(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text(topic)
    assert await page.title() == f"{topic} · Outcry"
    assert "<script>alert" not in await (await page.request.get(page.url)).text()
    await page.locator("details.material summary").click()
    await expect(page.locator("details.material")).to_contain_text("</article></outcry-debate></main>")
    await _expect_not_wide(page)

    await page.goto(live_site.url)
    row = page.get_by_role("link", name=title)
    await expect(row).to_be_visible()
    await _expect_not_wide(page)

    await page.goto(f"{live_site.url}/admin/conversations/conversation/")
    await page.get_by_role("link", name=title).click()
    await expect(page.locator("#content h1")).to_have_text(topic)
    await page.locator("details summary", has_text="Content").click()
    await expect(page.locator("details", has_text="Content")).to_contain_text(
        "</article></outcry-debate></main>"
    )
    await expect(page.get_by_text("alert(1)").first).to_be_visible()

    assert_nothing_happened(watchman, live_site, elsewhere)


async def test_what_a_person_says_to_the_panel_is_only_words(
    watchman: Watchman, page: Page, live_site: Site, model: OpenAIServer, elsewhere: Beacon
) -> None:
    gate = Gate()
    model.answer(
        asks("".join(text.format(url=elsewhere.url, long="x") for text in HTML)[:900], gate=gate),
        to="Financial Analyst",
    )
    await sign_in(page, live_site)
    await start(page, "Is it safe?", rounds=1)
    await expect(page.get_by_test_id("connection-status")).to_have_attribute("data-state", "live")
    words = "".join(text.format(url=elsewhere.url, long="x" * 600) for text in (*HTML, *MARKDOWN))[
        :4_000
    ].strip()
    await page.get_by_label("Message the analysts").fill(words)
    await page.get_by_test_id("composer-send").click()
    gate.open()
    # Control characters of people's texts are dropped.
    shown = words.replace("\x01", "")
    await expect(page.locator("[data-testid=human-message] .words")).to_have_text(shown)
    await expect(page.get_by_test_id("input-request").locator(".prompt")).to_contain_text(
        "<script>alert(1)</script>"
    )
    await page.get_by_label("Your answer").fill(words)
    await page.get_by_role("button", name="Answer").click()
    await expect_finished(page)
    said = page.locator(".human, .input-request .prompt")
    await expect(said).to_have_count(3)
    await expect(said.locator(ACTIVE)).to_have_count(0)
    await _expect_not_wide(page)
    assert_nothing_happened(watchman, live_site, elsewhere)


async def _expect_not_wide(page: Page) -> None:
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(wide) == 0
