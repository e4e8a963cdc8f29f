// @vitest-environment node
// No text makes a regular expression of ours quadratic. Each literal is found in the source, and timed on hostile texts
// that are made of its own characters, relative to prose of the same length in the same run. Python's are in
// tests/test_regular_expressions.py.

import { expect, describe, test } from "vitest";
import { parseSync } from "vite";

const sources = import.meta.glob<string>("./**/*.ts", { eager: true, query: "?raw", import: "default" });
const PROSE = "Revenue grew by 3% (to $5.2 million), but margins fell; see [1] at https://example.com. ";
/** Characters: in the short texts all combinations are tried, and the slowest of them in long ones. */
const SHORT = 8_000;
const LONG = 500_000;
const SLOWEST = 3;
/** Linear expressions were measured at 10 times as long on a hostile text as on prose at most, quadratic ones at some
 * hundred times with 8,000 characters. */
const MOST_TIMES = 60;
/** What seems to take longer is timed again, because the machine may have been busy. */
const SUSPICIOUS = 5;
const AGAIN = 3;

type Expression = { readonly place: string; readonly pattern: RegExp };
type Pieces = { readonly begin: string; readonly repeated: string };

function expressions(): Expression[] {
  return Object.entries(sources)
    .filter(([file]) => !file.includes(".test."))
    .flatMap(([file, source]) =>
      literals(parseSync(file, source).program).map((pattern) => ({ place: `${file}: ${pattern}`, pattern })),
    );
}

/** The regular expressions in a syntax tree, each made to find all matches. */
function literals(node: unknown): RegExp[] {
  if (typeof node !== "object" || node === null) return [];
  if ("regex" in node) {
    const { pattern, flags } = node.regex as { pattern: string; flags: string };
    return [new RegExp(pattern, flags.includes("g") ? flags : `${flags}g`)];
  }
  return Object.values(node).flatMap(literals);
}

/** Texts made of the pattern's own characters and their runs. */
function hostile({ source }: RegExp): Pieces[] {
  const runs = source.match(/[^\\^$.|?*+()[\]{}]+/g) ?? [];
  const marks = [...source.matchAll(/\\([^a-zA-Z0-9])/g)].map(([, mark]) => mark ?? "");
  const own = [...new Set([...runs, ...runs.join(""), ...marks, " ", "\n", "a", "1", "*"])];
  const pairs = ["", ...own].flatMap((begin) => own.map((repeated) => ({ begin, repeated })));
  return pairs.flatMap(({ begin, repeated }) => [
    { begin, repeated },
    { begin: "", repeated: begin + repeated },
  ]);
}

/** Ends in a character that fits nothing. */
function text({ begin, repeated }: Pieces, length: number): string {
  return `${(begin + repeated.repeat(length / repeated.length + 1)).slice(0, length - 1)}\0`;
}

function milliseconds(pattern: RegExp, subject: string): number {
  const begun = performance.now();
  for (const _ of subject.matchAll(pattern));
  return performance.now() - begun;
}

/** How many times as long texts of this length take as prose, or as finding the words of prose if that takes longer. */
function stopwatch(pattern: RegExp, length: number): (pieces: Pieces) => number {
  const prose = text({ begin: "", repeated: PROSE }, length);
  // The fastest of some runs, because the machine may be busy during one.
  const fastest = [pattern, /\w+/g].map((each) => Math.min(...[1, 2, 3, 4, 5].map(() => milliseconds(each, prose))));
  const harmless = Math.max(...fastest);
  return (pieces) => {
    const subject = text(pieces, length);
    let times = milliseconds(pattern, subject) / harmless;
    for (let again = 0; times > SUSPICIOUS && again < AGAIN; again += 1) {
      times = Math.min(times, milliseconds(pattern, subject) / harmless);
    }
    return times;
  };
}

const all = expressions();

test("the search finds the expressions of the source", () => {
  expect(all.length).toBeGreaterThan(10);
  expect(all.some(({ place }) => place.startsWith("./shared/markdown.ts"))).toBe(true);
});

describe.each(all)("$place", ({ pattern }) => {
  test("is not made slow by any text", { timeout: 60_000 }, () => {
    const short = stopwatch(pattern, SHORT);
    const times = hostile(pattern).map((pieces) => ({ pieces, times: short(pieces) }));
    expect(times.filter((each) => each.times >= MOST_TIMES)).toEqual([]);
    const long = stopwatch(pattern, LONG);
    const slowest = times.sort((one, other) => other.times - one.times).slice(0, SLOWEST);
    for (const { pieces } of slowest) expect(long(pieces), JSON.stringify(pieces)).toBeLessThan(MOST_TIMES);
  });
});

test.each([/ +,/g, /<(?=\s*\/?\s*content)/g, /\d+%/g])("quadratic %s is noticed", (pattern) => {
  const short = stopwatch(pattern, SHORT);
  expect(hostile(pattern).some((pieces) => short(pieces) >= MOST_TIMES)).toBe(true);
});
