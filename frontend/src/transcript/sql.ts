// SQL as pieces of different kinds, for its colours. It is only read, so a wrong guess is a wrong colour.

export type Piece = { readonly text: string; readonly kind: "keyword" | "function" | "string" | "number" | "comment" | "plain" };

const KEYWORDS = new Set(
  `all and any as asc between by case cast cross date desc distinct else end except exclude exists extract false filter first
  following for from full group having ilike in inner intersect interval is join last lateral left like limit natural not null
  nulls offset on or order outer over partition preceding qualify range right rows select semi similar then timestamp true
  unbounded union using values when where window with`.split(/\s+/),
);
const PIECES = new RegExp(
  [
    String.raw`(?<comment>--[^\n]*|/\*[\s\S]*?(?:\*/|$))`,
    String.raw`(?<string>'(?:[^']|'')*(?:'|$))`,
    // A name in quotes has no colour, whatever it is.
    String.raw`(?<name>"(?:[^"]|"")*(?:"|$))`,
    String.raw`(?<number>\b\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?\b)`,
    String.raw`(?<call>[\p{L}_][\p{L}\p{N}_]*)(?=\s*\()`,
    String.raw`(?<word>[\p{L}_][\p{L}\p{N}_]*)`,
  ].join("|"),
  "giu",
);

/** The pieces, which together are the text. */
export function pieces(sql: string): Piece[] {
  const found: Piece[] = [];
  let done = 0;
  const add = (end: number, kind: Piece["kind"]): void => {
    if (end > done) found.push({ text: sql.slice(done, end), kind });
    done = Math.max(done, end);
  };
  for (const { index, groups = {}, 0: text } of sql.matchAll(PIECES)) {
    add(index, "plain");
    add(index + text.length, kindOf(groups));
  }
  add(sql.length, "plain");
  return found;
}

function kindOf({ comment, string, number, word, call }: Record<string, string | undefined>): Piece["kind"] {
  if (comment !== undefined) return "comment";
  if (string !== undefined) return "string";
  if (number !== undefined) return "number";
  if (KEYWORDS.has((word ?? call ?? "").toLowerCase())) return "keyword";
  return call === undefined ? "plain" : "function";
}
