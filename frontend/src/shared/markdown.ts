// A model's Markdown as inert DOM: no scripts, styles, images or forms, and no requests. Raw HTML is shown as text. A
// text that cannot be drawn as Markdown is shown as it is.

import { Lexer, type Token, type Tokens } from "marked";
import { isDrawable } from "./markdown-bounds.ts";
import { type Pen, nodes } from "./markdown-nodes.ts";
import { SYNTAX } from "./markdown-syntax.ts";
import { dressed } from "./tables.ts";

/** The type of a block that is shown as it is. */
const PLAIN = "outcry-plain";

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
export function lexed(text: string): Token[] | null {
  if (!isDrawable(text)) return null;
  try {
    return Lexer.lex(text, SYNTAX);
  } catch {
    return null; // such as a RangeError: too deep for the stack
  }
}

/** One block as nodes for the page. */
export function nodesOf(block: Token, pen?: Pen): Node[] {
  if (block.type === PLAIN) return [plainly(block.raw)];
  const fragment = document.createDocumentFragment();
  try {
    fragment.append(...nodes([block], pen));
  } catch {
    return [plainly(block.raw)];
  }
  for (const part of fragment.children) (part as HTMLElement).dir = "auto";
  for (const table of fragment.querySelectorAll("table")) dressed(table);
  return [...fragment.childNodes];
}

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
  fragment.append(...blocks(text, above).flatMap((block) => nodesOf(block)));
  return fragment;
}

/** A text without its marks, for a screen reader. */
export function plain(text: string): string {
  return (markdown(text).textContent ?? "").replace(/\s+/g, " ").trim();
}
