// A model's Markdown as inert DOM: no scripts, styles, images or forms, and no requests. Raw HTML is shown as text;
// DOMPurify is a second barrier. A text that cannot be drawn as Markdown is shown as it is.

import DOMPurify from "dompurify";
import { Marked, type Token, type Tokens } from "marked";
import remend from "remend";
import "./formula-element.ts";
import { isUnfinished } from "./formula-syntax.ts";
import { isDrawable } from "./markdown-bounds.ts";
import { SYNTAX, escaped } from "./markdown-syntax.ts";
import { dressed } from "./tables.ts";

/** The type of a block that is shown as it is. */
const PLAIN = "outcry-plain";

const marked = new Marked({ gfm: true, breaks: false });
marked.use(SYNTAX, {
  renderer: {
    html: ({ text }) => escaped(text),
    image: ({ href, text }) => anchor(href, escaped(text ? `[image: ${text}]` : "[image]")),
    link({ href, tokens }) {
      return anchor(href, this.parser.parseInline(tokens));
    },
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

const ALLOWED = {
  ALLOWED_TAGS: [
    ..."p br strong em del sup code pre blockquote ul ol li h3 h4 h5 h6 hr a".split(" "),
    ..."table thead tbody tr th td outcry-formula".split(" "),
  ],
  ALLOWED_ATTR: ["href", "start", "align", "tex", "display"],
  ALLOWED_URI_REGEXP: /^https?:\/\//i,
  ADD_URI_SAFE_ATTR: ["align", "tex", "display"],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  KEEP_CONTENT: true,
  RETURN_DOM_FRAGMENT: true as const,
};

/** The top-level blocks of a text; `raw` is a block's source. `above` is the level of the page's heading over it. */
export function blocks(text: string, above = 3): Token[] {
  const tokens = lexed(text) ?? [{ type: PLAIN, raw: text }];
  nest(tokens, above, []);
  return tokens.filter((token) => token.type !== "space" && token.type !== "def");
}

/** Gives headings the levels below the page's own, none of them left out, whatever levels the text has. `open` are the
 * text's levels of the headings that a heading stands under. */
function nest(tokens: readonly Token[], above: number, open: number[]): void {
  for (const token of tokens) {
    if (token.type === "heading") {
      while ((open.at(-1) ?? 0) >= token["depth"]) open.pop();
      open.push(token["depth"]);
      token["depth"] = Math.min(6, above + open.length);
    }
    nest(token.type === "list" ? token["items"] : token.type === "paragraph" ? [] : ((token as Tokens.Generic).tokens ?? []), above, open);
  }
}

/** The tokens of a text, or null if it cannot be drawn as Markdown. */
function lexed(text: string): Token[] | null {
  if (!isDrawable(text)) return null;
  try {
    return marked.lexer(text);
  } catch {
    return null; // such as a RangeError: too deep for the stack
  }
}

/** One block as nodes that are safe to put into the page. */
export function nodesOf(block: Token): Node[] {
  if (block.type === PLAIN) return [plainly(block.raw)];
  let html: string;
  try {
    html = marked.parser([block]);
  } catch {
    return [plainly(block.raw)];
  }
  const fragment = DOMPurify.sanitize(html, ALLOWED);
  for (const link of fragment.querySelectorAll("a")) secure(link);
  const parts = [...fragment.children, ...fragment.querySelectorAll("li")];
  for (const part of parts) (part as HTMLElement).dir = "auto";
  // Wide blocks scroll by themselves, which the keyboard can do only with the focus on them.
  for (const code of fragment.querySelectorAll("pre")) code.tabIndex = 0;
  for (const table of fragment.querySelectorAll("table")) dressed(table);
  bindUnits(fragment);
  return [...fragment.childNodes].filter((node) => node.nodeType === Node.ELEMENT_NODE || node.textContent?.trim());
}

/** Keeps a number and the percent sign after it on one line. */
function bindUnits(fragment: DocumentFragment): void {
  const texts = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode as Text;
    if (PARTED.test(node.data) && !node.parentElement?.closest("code")) node.data = node.data.replaceAll(PARTED_ALL, "$1\u00a0");
  }
}

const PARTED = /\d [%‰]/;
const PARTED_ALL = /(\d) (?=[%‰])/g;

function plainly(text: string): HTMLElement {
  const paragraph = document.createElement("p");
  paragraph.className = "plain";
  paragraph.dir = "auto";
  paragraph.textContent = text;
  return paragraph;
}

/** A whole text as nodes that are safe to put into the page. `above` is the level of the page's heading over it. */
export function markdown(text: string, above = 3): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...blocks(text, above).flatMap(nodesOf));
  return fragment;
}

/** A text without its marks, for a screen reader. */
export function plain(text: string): string {
  return (markdown(text).textContent ?? "").replace(/\s+/g, " ").trim();
}

/** A text that is still being written, with open marks of its last block closed and half a link reduced to its text.
 * Otherwise the page would flicker between the marks and their effect. A mark without text after it, and a line that
 * may become the underline of a heading, are left out until more characters arrive. */
export function completed(text: string): string {
  const visible = text.replace(UNDERLINE, "\n").replace(BARE_MARK, "");
  const last = lexed(visible)?.findLast(({ type }) => type !== "space");
  if (last === undefined || last.type === "code" || isUnfinished(last.raw)) return visible;
  // A list's source has other spaces at its end than the text.
  const begin = visible.lastIndexOf(last.raw.trimEnd());
  if (begin === -1) return visible;
  try {
    // Remend leaves marks open after a dollar sign, which it takes for the begin of a formula.
    const closed = remend(visible.slice(begin).replaceAll("$", "\0"), COMPLETION).replaceAll("\0", "$");
    return visible.slice(0, begin) + closed;
  } catch {
    return visible;
  }
}

const UNDERLINE = /\n[ \t]*[-=*_]+[ \t]*$/;
const BARE_MARK = /(?<=\s|^)(?:\*{1,3}|~~|`{1,2})$/;
/** Options that would render differently from the finished text are off. */
const COMPLETION = {
  linkMode: "text-only",
  comparisonOperators: false,
  htmlTags: false,
  katex: false,
  setextHeadings: false,
  singleTilde: false,
} as const;

function anchor(href: string, label: string): string {
  return `<a href="${escaped(href)}">${label}</a>`;
}

/** Keeps http and https links, with the target's host visible and no referrer; replaces any other by its text. */
function secure(link: HTMLAnchorElement): void {
  const target = absolute(link.getAttribute("href"));
  if (target === null) {
    link.replaceWith(...link.childNodes);
    return;
  }
  link.href = target.href;
  link.rel = "noopener noreferrer nofollow ugc";
  link.target = "_blank";
  if (link.textContent === target.href || `${link.textContent}/` === target.href) return;
  const host = document.createElement("span");
  host.className = "leads-to";
  host.textContent = ` (${target.host})`;
  link.after(host);
}

function absolute(href: string | null): URL | null {
  try {
    const url = new URL(href ?? "");
    return url.protocol === "https:" || url.protocol === "http:" ? url : null;
  } catch {
    return null;
  }
}
