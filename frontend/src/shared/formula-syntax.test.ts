import { describe, expect, test } from "vitest";
import { displayFormula, inlineFormula } from "./formula-syntax.ts";

/** The formulas within a line. */
function formulas(line: string): string[] {
  const found: string[] = [];
  for (let index = 0; index < line.length; ) {
    const formula = inlineFormula(line.slice(index), line.charAt(index - 1));
    if (formula) found.push(formula.tex);
    index += formula?.raw.length ?? (line.charAt(index) === "\\" ? 2 : 1);
  }
  return found;
}

describe("money is no formula", () => {
  test.each([
    "from $5 to $10",
    "$5-$10 a share",
    "revenue of $383.3B, up from $365.8B",
    "**$5** and **$6**",
    "US$5 and A$6, or 10$ and 12$",
    "costs $5, or 6$.",
    "between $5 (low) and 9$ (high)",
    "$AAPL and $MSFT",
    "($AAPL), not 5$.",
    "$AAPL rose by 5$",
    "$1,234_000 of the total and 5$",
    "the price in $ (not in €) and in US$",
    "a strike of \\$50 and \\$60",
    "$5m = a tenth of 50$",
    "$$$ is expensive, $ is cheap",
    "$",
    "$$",
    "$ x $",
  ])("%s", (line) => {
    expect(formulas(line)).toEqual([]);
  });
});

test.each([
  ["with $r = 9.5%$ we get", ["r = 9.5%"]],
  ["$x$, $n-1$ and $P/E$", ["x", "n-1", "P/E"]],
  ["at $5 a share, $5 \\cdot 3 = 15$", ["5 \\cdot 3 = 15"]],
  ["$10^6$", ["10^6"]],
  ["($\\beta$)", ["\\beta"]],
  ["$\\text{Net debt} = \\$4 \\text{ bn}$", ["\\text{Net debt} = \\$4 \\text{ bn}"]],
  ["$Revenue = Price \\times Volume$", ["Revenue = Price \\times Volume"]],
  ["\\(a\\) and \\[b\\] and $$c$$", ["a", "b", "c"]],
])("%s has formulas", (line, expected) => {
  expect(formulas(line)).toEqual(expected);
});

test.each(["$$\nx\n$$\nAnd", "\\[ x \\]\n", "  $$x$$.\n\nAnd", "\\[\nx\n\\]"])("%j has lines to itself", (text) => {
  expect(displayFormula(text)?.tex).toBe("x");
});

test.each(["$$x$$ is the price", "$$\nx\n\ny\n$$", "$$x", "x $$y$$", `$$${"x".repeat(5_000)}$$`])("%j has not", (text) => {
  expect(displayFormula(text)).toBeNull();
});
