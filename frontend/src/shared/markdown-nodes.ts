// Markdown's tokens as nodes of the page, made one by one. No text is parsed as HTML: it becomes the elements that are
// named here, with the attributes that are set here, and nothing else.

import type { Token, Tokens } from "marked";
import "./formula-element.ts";
import { decoded } from "./entities.ts";

/** Elements of whose tokens nothing but the content counts. */
const SIMPLE: Readonly<Record<string, string>> = { paragraph: "p", strong: "strong", em: "em", del: "del" };

/** Draws the text of a token without tokens of its own, such as a text, a code span or a citation of evidence. `text` is
 * what stands there. */
export type Pen = (token: Token, text: string) => (Node | string)[];

const PLAIN: Pen = (_token, text) => [text];

/** Throws an error if a token is of an unknown type or malformed. */
export function nodes(tokens: readonly Token[], pen: Pen = PLAIN): (Node | string)[] {
  return tokens.flatMap((token) => made(token as Tokens.Generic, pen));
}

function made(token: Tokens.Generic, pen: Pen): (Node | string)[] {
  const { type, text, tokens = [] } = token;
  const simple = SIMPLE[type];
  if (simple !== undefined) return [element(simple, ...nodes(tokens, pen))];
  switch (type) {
    case "text":
      return token.tokens ? nodes(tokens, pen) : pen(token, bound(decoded(text)));
    case "html":
    case "escape":
      return pen(token, text);
    case "evidence":
      return pen(token, token.raw);
    case "space":
    case "def":
      return [];
    case "br":
    case "hr":
      return [element(type)];
    case "heading":
      return [element(`h${token["depth"]}`, ...nodes(tokens, pen))];
    case "blockquote":
      return [element("blockquote", ...lines(nodes(tokens, pen)))];
    case "codespan":
      return [element("code", ...pen(token, text))];
    case "code":
      return [codeBlock(text)];
    case "list":
      return [list(token as Tokens.List, pen)];
    case "checkbox":
      return [token["checked"] ? "☑ " : "☐ "];
    case "table":
      return [table(token as Tokens.Table, pen)];
    case "link":
      return link(token["href"], nodes(tokens, pen));
    case "image":
      return link(token["href"], [text ? `[image: ${text}]` : "[image]"]);
    case "display":
    case "formula":
      return [formula(token)];
    case "reference":
      return [marked("to", `^${token["label"]}`, element("sup", token["label"]))];
    case "citation":
      return [marked("to", token["label"], element("span", token.raw))];
    case "note":
      return [note(token, pen)];
    default:
      throw new Error(`no element for ${type}`);
  }
}

function element(name: string, ...content: (Node | string)[]): HTMLElement {
  const made = document.createElement(name);
  made.append(...content);
  return made;
}

/** An element with an attribute for `notes.ts`. */
function marked(name: "note" | "to", label: string, made: HTMLElement): HTMLElement {
  made.setAttribute(name, label);
  return made;
}

function note({ label, colon, tokens }: Tokens.Generic, pen: Pen): HTMLElement {
  const mark = label.startsWith("^") ? element("sup", label.slice(1)) : element("span", `[${label}]${colon}`);
  return marked("note", label, element("p", mark, " ", ...nodes(tokens ?? [], pen)));
}

/** Parts with a line break after each, which separates their words where only the text counts. */
function lines(parts: (Node | string)[]): (Node | string)[] {
  return ["\n", ...parts.flatMap((part) => [part, "\n"])];
}

/** Wide code scrolls by itself, which the keyboard can do only with the focus on it. */
function codeBlock(text: string): HTMLElement {
  const block = element("pre", element("code", `${text.replace(/\n$/, "")}\n`));
  block.tabIndex = 0;
  return block;
}

function list({ ordered, start, items }: Tokens.List, pen: Pen): HTMLElement {
  const made = element(ordered ? "ol" : "ul", ...lines(items.map((item) => element("li", ...nodes(item.tokens, pen)))));
  if (ordered && start !== 1) made.setAttribute("start", String(start));
  for (const item of made.children) (item as HTMLElement).dir = "auto";
  return made;
}

function table({ header, rows }: Tokens.Table, pen: Pen): HTMLElement {
  const body = rows.length === 0 ? [] : [element("tbody", ...rows.map((cells) => row(cells, pen)))];
  return element("table", element("thead", row(header, pen)), ...body);
}

function row(cells: readonly Tokens.TableCell[], pen: Pen): HTMLElement {
  return element("tr", ...lines(cells.map((each) => cell(each, pen))));
}

function cell({ header, align, tokens }: Tokens.TableCell, pen: Pen): HTMLElement {
  const made = element(header ? "th" : "td", ...nodes(tokens, pen));
  if (align) made.setAttribute("align", align);
  return made;
}

/** Shows the formula's source until it is drawn, and where TeX has an error. */
function formula({ raw, tex, isDisplay }: Tokens.Generic): HTMLElement {
  const made = element("outcry-formula", raw.trim());
  made.setAttribute("tex", tex);
  made.toggleAttribute("display", isDisplay);
  return made;
}

/** An http or https link, with the target's host visible and no referrer; the content alone for any other. */
function link(href: string, content: (Node | string)[]): (Node | string)[] {
  const target = absolute(href);
  if (target === null) return content;
  const anchor = element("a", ...content) as HTMLAnchorElement;
  // The image in a link is one by itself.
  for (const inner of anchor.querySelectorAll("a")) inner.replaceWith(...inner.childNodes);
  for (const host of anchor.querySelectorAll(".leads-to")) host.remove();
  anchor.href = target.href;
  anchor.rel = "noopener noreferrer nofollow ugc";
  anchor.target = "_blank";
  if (anchor.textContent === target.href || `${anchor.textContent}/` === target.href) return [anchor];
  const host = element("span", ` (${target.host})`);
  host.className = "leads-to";
  return [anchor, host];
}

function absolute(href: string): URL | null {
  try {
    const url = new URL(href);
    return url.protocol === "https:" || url.protocol === "http:" ? url : null;
  } catch {
    return null;
  }
}

/** Keeps a number and the percent sign after it on one line. */
function bound(text: string): string {
  return text.replaceAll(/(\d) (?=[%‰])/g, "$1\u00a0");
}
