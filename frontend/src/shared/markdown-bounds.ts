// Whether a text can be drawn as Markdown in a time that nobody notices. Parsers take quadratic time for some texts, and
// a nesting that is too deep overflows their stack.

/** Characters; twice as many as the longest answer with the default settings has. Hostile texts of this length took at
 * most 0.5 s. */
export const MAX_LENGTH = 30_000;
/** Marks in one paragraph; each may be compared with all others of it. */
export const MAX_MARKS = 1_000;
/** Quotes and lists inside each other. */
export const MAX_DEPTH = 20;

const MARKS = new Set("*_~`[]<>\\&!@$");
/** They begin a list's item if a space follows. */
const BULLETS = new Set("-+*.)");
const INDENTS = new Set(" \t0123456789");

export function isDrawable(text: string): boolean {
  return text.length <= MAX_LENGTH && text.split(/\n[ \t]*\n/).every(hasFewMarks) && text.split("\n").every(isShallow);
}

function hasFewMarks(paragraph: string): boolean {
  let marks = 0;
  for (const character of paragraph) if (MARKS.has(character)) marks += 1;
  return marks <= MAX_MARKS;
}

function isShallow(line: string): boolean {
  let depth = 0;
  for (let index = 0; index < line.length && depth <= MAX_DEPTH; index += 1) {
    const character = line.charAt(index);
    const isBullet = BULLETS.has(character) && INDENTS.has(line.charAt(index + 1));
    if (character === ">" || isBullet) depth += 1;
    else if (!INDENTS.has(character)) break;
  }
  return depth <= MAX_DEPTH;
}
