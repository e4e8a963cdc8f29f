// A model's Markdown as DOM that can do nothing: no scripts, no styles, no pictures, no forms, and no
// request of its own. Raw HTML is shown as the text it is; DOMPurify is the second wall behind that.

import DOMPurify from "dompurify";
import { Marked, type Token } from "marked";

const marked = new Marked({ gfm: true, breaks: false });
marked.use({
  renderer: {
    html: ({ text }) => escaped(text),
    image: ({ href, text }) => anchor(href, escaped(text ? `[image: ${text}]` : "[image]")),
    link({ href, tokens }) {
      return anchor(href, this.parser.parseInline(tokens));
    },
    // The page has the first two levels; whatever a model calls a heading stands below them.
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

/** The top-level blocks of a text, each with the source it came from. */
export function blocks(text: string): Token[] {
  return marked.lexer(text).filter((token) => token.type !== "space" && token.type !== "def");
}

/** One block as nodes that are safe to put into the page. */
export function nodesOf(block: Token): Node[] {
  const fragment = DOMPurify.sanitize(marked.parser([block]), ALLOWED);
  for (const link of fragment.querySelectorAll("a")) secure(link);
  // What may be wider than the page scrolls by itself, for the keyboard too.
  for (const wide of fragment.querySelectorAll<HTMLElement>("pre, table")) wide.tabIndex = 0;
  return [...fragment.childNodes].filter((node) => node.nodeType === Node.ELEMENT_NODE || node.textContent?.trim());
}

/** A whole text as nodes that are safe to put into the page. */
export function markdown(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...blocks(text).flatMap(nodesOf));
  return fragment;
}

/** A text without its marks, for a voice. */
export function plain(text: string): string {
  return (markdown(text).textContent ?? "").replace(/\s+/g, " ").trim();
}

/** The text as it will most likely look when its last line is finished: emphasis that is open is closed,
 * half a link is its text, and a line that may yet become an underline waits. Without this, the page would
 * flicker between the signs and what they mean. */
export function mended(text: string): string {
  let mendedText = text.replace(/\n[ \t]*[-=*_]+[ \t]*$/, "\n");
  if (insideFence(mendedText)) return mendedText;
  const start = mendedText.lastIndexOf("\n\n") + 1;
  const finished = mendedText.slice(0, start);
  mendedText = mendedText.slice(start).replace(/!?\[([^\]\n]*)(?:\](?:\([^)\s]*)?)?$/, "$1");
  const open: string[] = [];
  for (const { 0: mark, index } of mendedText.matchAll(/\\.|`+|\*{1,3}|~~/g)) {
    if (mark.startsWith("\\")) continue;
    const code = open.find((other) => other.startsWith("`"));
    if (code !== undefined && mark !== code) continue;
    // As Markdown has it: a sign opens before a word and closes behind one. A bullet does neither.
    if (open.at(-1) === mark && /\S/.test(mendedText.charAt(index - 1))) open.pop();
    else if (!/\s/.test(mendedText.charAt(index + mark.length))) open.push(mark);
  }
  for (const mark of open.reverse()) {
    const bare = mendedText.replace(/[ \t\n]+$/, "");
    // A sign with nothing behind it yet says nothing.
    mendedText = bare.endsWith(mark) ? bare.slice(0, -mark.length) : `${bare}${mark}`;
  }
  return finished + mendedText;
}

function insideFence(text: string): boolean {
  return (text.match(/^(?:```|~~~)/gm)?.length ?? 0) % 2 === 1;
}

function anchor(href: string, label: string): string {
  return `<a href="${escaped(href)}">${label}</a>`;
}

/** A link leads to another site, says so, and tells that site nothing; any other is only its text. */
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
