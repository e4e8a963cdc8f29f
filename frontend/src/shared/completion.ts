// A Markdown text that is still being written, in a form that can be shown.

import remend from "remend";
import { isUnfinished } from "./formula-syntax.ts";
import { lexed } from "./markdown.ts";

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
