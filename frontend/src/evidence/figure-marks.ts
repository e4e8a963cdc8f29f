// Marks in a drawn text: the figures that were checked, underlined by their label, and the citations of the record, as
// buttons. The figures are silent for screen readers and no stops for the keyboard: the list below a message has them.

import type { Token } from "marked";
import type { CheckedFigure } from "../protocol/events.gen.ts";
import type { Pen } from "../shared/markdown-nodes.ts";
import { type Stretch, ownText, placesIn } from "../shared/source-places.ts";
import { blocks, nodesOf } from "../shared/markdown.ts";
import { decoded } from "../shared/entities.ts";
import { labelled } from "./labels.ts";
import { type Items, expectedAmount } from "./record.ts";

/** A figure between two offsets in a text, in UTF-16 units. */
export type Placed = { readonly start: number; readonly end: number; readonly figure: CheckedFigure };

/** The figures of a message that stand in its `text`, which begins after `begin` code points of it. The offsets are those
 * of the text with single characters as line breaks. A figure of which the text has something else is left out. */
export function placedIn(text: string, checked: readonly CheckedFigure[], begin: number): Placed[] {
  if (checked.length === 0) return [];
  const units = unitsIn(text);
  const breaks = [...text.matchAll(/\r\n/g)].map(({ index }) => index);
  const single = (offset: number): number => offset - countBelow(breaks, offset);
  const found = checked.map((figure) => ({ start: units(figure.start - begin), end: units(figure.end - begin), figure }));
  return found
    .filter(({ start, end, figure }) => start >= 0 && text.slice(start, end) === figure.text)
    .map(({ start, end, figure }) => ({ start: single(start), end: single(end), figure }));
}

/** Each block of a text with the figures in it, by their offsets in the block. `placed` are those of the whole text. */
export function figuresByBlock(tokens: readonly Token[], text: string, placed: readonly Placed[]): (readonly [Token, readonly Placed[]])[] {
  if (placed.length === 0) return tokens.map((block) => [block, placed]);
  const source = text.replaceAll(/\r\n?/g, "\n");
  let from = 0;
  return tokens.map((block) => {
    // A growing text's last block has been completed, and a list ends with other spaces than its source.
    const at = source.indexOf(block.raw.slice(0, 20).trimEnd(), from);
    if (at === -1) return [block, []];
    from = at + block.raw.trimEnd().length;
    const inside = placed.filter(({ start, end, figure }) => start >= at && block.raw.slice(start - at, end - at) === figure.text);
    return [block, inside.map(({ start, end, figure }) => ({ start: start - at, end: end - at, figure }))];
  });
}

/** A whole text as nodes, with its marks. `above` is the level of the page's heading over it. */
export function markedText(text: string, above: number, figures: readonly CheckedFigure[], items: Items): Node[] {
  const parts = figuresByBlock(blocks(text, above), text, placedIn(text, figures, 0));
  return parts.flatMap(([block, placed]) => nodesOf(block, marking(block, placed, items)));
}

/** How many of the sorted numbers are below the limit. */
function countBelow(sorted: readonly number[], limit: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** UTF-16 units before so many code points of a text. */
function unitsIn(text: string): (points: number) => number {
  if (!/[\ud800-\udfff]/.test(text)) return (points) => points;
  const starts: number[] = [];
  let at = 0;
  for (const character of text) {
    starts.push(at);
    at += character.length;
  }
  return (points) => starts[points] ?? (points === starts.length ? at : -1);
}

/** Draws the texts of a block. `placed` are the figures in its source. */
export function marking(block: Token, placed: readonly Placed[], items: Items): Pen {
  const places = placed.length === 0 ? null : placesIn(block);
  return (token, text) => {
    if (token.type === "evidence") return [citation(token.raw, items)];
    const stretches = places?.get(token) ?? [];
    return stretches.length === 0 ? [text] : pieces(token, text, stretches, placed, items);
  };
}

/** A text with its figures as elements. */
function pieces(token: Token, text: string, stretches: readonly Stretch[], placed: readonly Placed[], items: Items): (Node | string)[] {
  const made: (Node | string)[] = [];
  const drawnBefore = drawnLength(token, text);
  let done = 0;
  for (const { from, at, length } of stretches) {
    for (const { start, end, figure } of placed) {
      if (end <= at || start >= at + length) continue;
      const first = Math.max(done, drawnBefore(from + Math.max(0, start - at)));
      const last = drawnBefore(from + Math.min(length, end - at));
      if (last <= first) continue;
      made.push(text.slice(done, first), mark(text.slice(first, last), figure, end <= at + length, items));
      done = last;
    }
  }
  return [...made, text.slice(done)].filter((piece) => piece !== "");
}

/** The drawn length of the first characters of a token's own text: a reference such as "&amp;" is drawn as one. */
function drawnLength(token: Token, text: string): (characters: number) => number {
  const own = ownText(token);
  return own.length === text.length ? (characters) => characters : (characters) => decoded(own.slice(0, characters)).length;
}

function mark(text: string, figure: CheckedFigure, isEnd: boolean, items: Items): HTMLElement {
  const made = document.createElement("span");
  made.className = "checked-figure";
  made.dataset["label"] = figure.label;
  // Marks in the text may part a figure: its symbol stands once.
  made.toggleAttribute("data-end", isEnd);
  const expected = expectedAmount(figure, items);
  if (expected !== null && isEnd) made.dataset["record"] = expected;
  made.dataset["figure"] = String(figure.start);
  made.title = labelled(figure.label).one;
  made.textContent = text;
  return made;
}

/** The citations "[E3, E4]", each id that the record has as a button. */
function citation(text: string, items: Items): HTMLElement {
  const made = document.createElement("span");
  made.className = "citations";
  const parts = text.split(/(E\d+)/).filter((part) => part !== "");
  made.append(...parts.map((part) => (items.has(part) ? button(part) : part)));
  return made;
}

function button(id: string): HTMLElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "citation";
  made.dataset["evidence"] = id;
  made.ariaHasPopup = "dialog";
  made.textContent = id;
  return made;
}
