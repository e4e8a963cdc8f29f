import { expect, test } from "vitest";
import { pieces } from "./sql.ts";

function kinds(sql: string): string[] {
  return pieces(sql).flatMap(({ text, kind }) => (kind === "plain" ? [] : [`${kind} ${text}`]));
}

test("keywords, functions, texts, numbers and comments are told apart", () => {
  expect(kinds(`SELECT "from", sum(amount) FROM sales -- all\nWHERE shop = 'it''s' AND n2 > 1.5e3`)).toEqual([
    "keyword SELECT",
    "function sum",
    "keyword FROM",
    "comment -- all",
    "keyword WHERE",
    "string 'it''s'",
    "keyword AND",
    "number 1.5e3",
  ]);
});

test("the pieces are the whole text, also where it is no SQL", () => {
  for (const sql of ["", "'", '"', "/* open", "select 'a\n\"b", "ÄÖ <b>é</b> 12_a", "((((", "-".repeat(20_000)]) {
    expect(pieces(sql).map(({ text }) => text).join("")).toBe(sql);
  }
});
