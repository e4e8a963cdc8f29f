// Where the texts of a Markdown block stand in its source: marks on a range of the source need it. Marked gives no
// places, but the tokens in their order, with their source.

import type { Token, Tokens } from "marked";

/** `length` characters of a token's text, from `from` on, stand at `at` in the block's source. */
export type Stretch = { readonly from: number; readonly at: number; readonly length: number };

/** How far from the token before, at most, a token begins: a table's row of dashes, or marks and indents. */
const REACH = 500;
const MARKER = /^[ \t]*(?:[*+-]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?/;

/** The stretches of every token that has a text of its own. A token that is not found has none. */
export function placesIn(block: Token): Map<Token, readonly Stretch[]> {
  const places = new Map<Token, readonly Stretch[]>();
  placed([block], block.raw, 0, places);
  return places;
}

/** The text of a token without tokens of its own, as its source has it; empty for one that shows none. */
export function ownText(token: Token): string {
  return token.type === "text" || token.type === "evidence" ? token.raw : ((token as Tokens.Generic)["text"] ?? "");
}

/** Places the tokens from `from` on, and returns where they end. */
function placed(tokens: readonly Token[], source: string, from: number, places: Map<Token, readonly Stretch[]>): number {
  for (const token of tokens) {
    const at = found(token.raw, source, from);
    const children = childrenOf(token as Tokens.Generic);
    let end = at ?? from;
    if (children === null) {
      const stretches = stretchesOf(ownText(token), source, end);
      places.set(token, stretches);
      const last = stretches.at(-1);
      if (last !== undefined) end = last.at + last.length;
    } else {
      end = placed(children, source, end + lead(token), places);
    }
    from = at === null ? end : at + token.raw.length;
  }
  return from;
}

function found(text: string | undefined, source: string, from: number): number | null {
  if (!text) return null;
  const at = source.slice(from, from + text.length + REACH).indexOf(text);
  return at === -1 ? null : from + at;
}

/** A token's tokens, or null if it has none. */
function childrenOf(token: Tokens.Generic): readonly Token[] | null {
  if (token.type === "list") return token["items"];
  if (token.type === "table") return [...token["header"], ...token["rows"].flat()].flatMap(({ tokens }) => tokens);
  return token.tokens ?? null;
}

/** What stands before the first token of a token, and looks like text. */
function lead({ type, raw }: Token): number {
  if (type === "list_item") return MARKER.exec(raw)?.[0].length ?? 0;
  return type === "note" ? raw.indexOf("]") + 1 : 0;
}

/** A text of several lines may be indented in the source, or stand behind quotation marks. */
function stretchesOf(text: string, source: string, from: number): Stretch[] {
  const whole = found(text, source, from);
  if (whole !== null) return [{ from: 0, at: whole, length: text.length }];
  const stretches: Stretch[] = [];
  let begin = 0;
  for (const line of text.split("\n")) {
    const at = found(line.trim(), source, from);
    if (at !== null) {
      const { length } = line.trim();
      stretches.push({ from: begin + line.indexOf(line.trim()), at, length });
      from = at + length;
    }
    begin += line.length + 1;
  }
  return stretches;
}
