// Where a text has formulas in TeX. Money, such as "$5 to $10", is none.

/** `tex` is the formula without its delimiters, `raw` with them. */
export type Formula = { readonly raw: string; readonly tex: string; readonly isDisplay: boolean };

/** Characters of a formula; a longer one is text. */
const MAX_INLINE = 1_000;
const MAX_DISPLAY = 4_000;

const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;
/** After an opening dollar sign, money. */
const AMOUNT = /^[-+(]?[.\d]/;
const TEX_SIGN = /[\\^_={}]/;
const WORD = /\p{L}{2,}/u;
const WHOLE_WORD = /^\p{L}{2,}[.,;:)]?$/u;
/** What may contain words within a formula: commands, and text in braces. */
const COMMANDS = /\\[a-zA-Z]+|[{}]/g;
const TEXT = /\\(?:text|mathrm|mathit|mathbf|mathsf|operatorname|textbf|textit)\s?\{[^{}]*\}/g;

/** The index of what may begin a formula within a paragraph, or where to look again, or -1. */
export function inlineStart(source: string): number {
  const found = source.slice(0, LOOK_AHEAD).search(/\$|\\[([]/);
  return found === -1 && source.length > LOOK_AHEAD ? LOOK_AHEAD : found;
}

/** Characters; a search of the whole text for each of its parts would take quadratic time. */
const LOOK_AHEAD = 1_000;

/** The formula at the begin of a source, or null. `before` is the character in front of it, "" if there is none. */
export function inlineFormula(source: string, before: string): Formula | null {
  if (source.startsWith("$$")) return delimited(source, "$$", "$$", MAX_INLINE);
  if (source.startsWith("\\[")) return delimited(source, "\\[", "\\]", MAX_INLINE);
  if (source.startsWith("\\(")) return delimited(source, "\\(", "\\)", MAX_INLINE);
  if (!source.startsWith("$") || before === "$" || LETTER_OR_DIGIT.test(before)) return null;
  const formula = delimited(source, "$", "$", MAX_INLINE);
  if (formula === null) return null;
  const { raw } = formula;
  const after = source.charAt(raw.length);
  const inner = raw.slice(1, -1);
  if (inner !== inner.trim() || inner.includes("\n") || after === "$" || LETTER_OR_DIGIT.test(after)) return null;
  return isMoney(inner) ? null : formula;
}

/** The index of what may begin a formula that has its lines to itself, or -1. */
export function displayStart(source: string): number {
  return source.search(/^ {0,3}(?:\$\$|\\\[)/m);
}

/** The formula that has the first lines of a source to itself, or null. */
export function displayFormula(source: string): Formula | null {
  const indent = source.length - source.trimStart().length;
  if (indent > 3) return null;
  const rest = source.slice(indent);
  const formula = rest.startsWith("$$")
    ? delimited(rest, "$$", "$$", MAX_DISPLAY)
    : rest.startsWith("\\[")
      ? delimited(rest, "\\[", "\\]", MAX_DISPLAY)
      : null;
  if (formula === null) return null;
  const [line = ""] = rest.slice(formula.raw.length).split("\n", 1);
  if (!/^[.,;]?$/.test(line.trim())) return null;
  return { ...formula, raw: source.slice(0, indent + formula.raw.length + line.length + 1) };
}

/** Whether a text ends within a formula that has lines to itself. */
export function isUnfinished(source: string): boolean {
  const begin = source.trimStart();
  return (begin.startsWith("$$") || begin.startsWith("\\[")) && displayFormula(source) === null;
}

function delimited(source: string, open: string, close: string, most: number): Formula | null {
  const end = closingIndex(source, open.length, close, most);
  const tex = source.slice(open.length, end).trim();
  if (end === -1 || tex === "" || /\n[ \t]*\n/.test(tex)) return null;
  return { raw: source.slice(0, end + close.length), tex, isDisplay: open === "$$" || open === "\\[" };
}

/** The index of the delimiter that closes, or -1. A backslash escapes a dollar sign. */
function closingIndex(source: string, from: number, close: string, most: number): number {
  for (let index = from; index < Math.min(source.length, most); index += 1) {
    if (source.startsWith(close, index)) return index;
    if (source.charAt(index) === "\\") index += 1;
  }
  return -1;
}

/** Whether the text between two dollar signs is prose between two amounts or tickers rather than a formula. */
function isMoney(inner: string): boolean {
  const isAmount = AMOUNT.test(inner);
  if (!TEX_SIGN.test(inner)) return isAmount || (inner.includes(" ") && WORD.test(inner));
  const parts = inner.replace(TEXT, "").replace(COMMANDS, " ").split(" ");
  if (isAmount) return parts.some((part) => WORD.test(part));
  return parts.some((part, index) => WHOLE_WORD.test(part) && WHOLE_WORD.test(parts[index + 1] ?? ""));
}
