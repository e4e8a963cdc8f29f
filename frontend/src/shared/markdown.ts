// A model's Markdown as inert DOM: no scripts, styles, images or forms, and no requests. Raw HTML is shown as text;
// DOMPurify is a second barrier. A text that cannot be drawn as Markdown is shown as it is.

import DOMPurify from "dompurify";
import { Marked, type Token } from "marked";
import remend from "remend";
import { isDrawable } from "./markdown-bounds.ts";

/** The type of a block that is shown as it is. */
const PLAIN = "outcry-plain";

const marked = new Marked({ gfm: true, breaks: false });
marked.use({
  tokenizer: {
    // One tilde is a tilde: "~$5~$10" is a range. Two strike out.
    del: (source) => (source.startsWith("~~") ? false : undefined),
  },
  renderer: {
    html: ({ text }) => escaped(text),
    image: ({ href, text }) => anchor(href, escaped(text ? `[image: ${text}]` : "[image]")),
    link({ href, tokens }) {
      return anchor(href, this.parser.parseInline(tokens));
    },
    // The page itself uses the first two heading levels.
    heading({ tokens, depth }) {
      const level = Math.min(6, depth + 2);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

const ALLOWED = {
  ALLOWED_TAGS: [
    ..."p br strong em del code pre blockquote ul ol li h3 h4 h5 h6 hr a".split(" "),
    ..."table thead tbody tr th td".split(" "),
  ],
  ALLOWED_ATTR: ["href", "start"],
  ALLOWED_URI_REGEXP: /^https?:\/\//i,
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  KEEP_CONTENT: true,
  RETURN_DOM_FRAGMENT: true as const,
};

/** The top-level blocks of a text; `raw` is a block's source. */
export function blocks(text: string): Token[] {
  const tokens = lexed(text) ?? [{ type: PLAIN, raw: text }];
  return tokens.filter((token) => token.type !== "space" && token.type !== "def");
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
  // Wide blocks scroll by themselves, which the keyboard can do only with the focus on them.
  for (const block of fragment.children) (block as HTMLElement).dir = "auto";
  for (const wide of fragment.querySelectorAll<HTMLElement>("pre, table")) wide.tabIndex = 0;
  return [...fragment.childNodes].filter((node) => node.nodeType === Node.ELEMENT_NODE || node.textContent?.trim());
}

function plainly(text: string): HTMLElement {
  const paragraph = document.createElement("p");
  paragraph.className = "plain";
  paragraph.dir = "auto";
  paragraph.textContent = text;
  return paragraph;
}

/** A whole text as nodes that are safe to put into the page. */
export function markdown(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...blocks(text).flatMap(nodesOf));
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
  if (last === undefined || last.type === "code") return visible;
  try {
    return visible.slice(0, visible.lastIndexOf(last.raw)) + remend(last.raw, COMPLETION);
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

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
