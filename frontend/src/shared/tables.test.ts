import { expect, test, vi } from "vitest";
import { markdown } from "./markdown.ts";
import { asCsv, asText, isFigure } from "./tables.ts";

function table(text: string): HTMLElement {
  const place = document.createElement("div");
  place.append(markdown(text));
  document.body.replaceChildren(place);
  return place;
}

/** The alignments of a table's cells, and whether they are figures. */
function columns(text: string): string[] {
  return [...table(text).querySelectorAll("td")].map((cell) =>
    `${cell.getAttribute("align") ?? ""}${cell.classList.contains("figure") ? " figure" : ""}`.trim(),
  );
}

test("a table keeps the alignment of its columns", () => {
  expect(columns("| a | b | c | d |\n|---|:-:|--:|:--|\n| w | x | y | z |")).toEqual(["", "center", "right", "left"]);
});

test("columns of figures are marked, except the first and those with words", () => {
  const text = "| Year | EPS | Growth | Note |\n|--|--|:--|--|\n| 2024 | (1.20) | 9.5 % | 5 |\n| 2025 | n/a | −3.1% | see 2 |";
  expect(columns(text)).toEqual(["", "figure", "left figure", "", "", "figure", "left figure", ""]);
});

test.each(["1", "-1,234.5", "(3.2%)", "US$ 4.1bn", "$12.5M", "~12x", "10–12%", "+25 bps", "€1.234,50", "−0.4pp", "1'000", "3/4"])(
  "%s is a figure",
  (text) => expect(isFigure(text)).toBe(true),
);

test.each(["", "FY24", "Q1 2025", "2 of 3", "Buy", "-", "10-K filing", "=1+1", `1${"0".repeat(60)}`])("%j is none", (text) =>
  expect(isFigure(text)).toBe(false),
);

const ROWS = [
  ["Name", "Change, %"],
  ["=HYPERLINK(1)", "-5.2%"],
  ["@sum", "−3"],
  ["-1+cmd|' /C calc'!A0", "+$4.1bn"],
  ["\tx", "-1.5e-07"],
  ['say "hi"', "+x"],
];

test("as CSV a table has no active cells, and numbers stay numbers", () => {
  expect(asCsv(ROWS).split("\r\n")).toEqual([
    'Name,"Change, %"',
    "'=HYPERLINK(1),-5.2%",
    "'@sum,-3",
    "'-1+cmd|' /C calc'!A0,+$4.1bn",
    "'\tx,-1.5e-07",
    '"say ""hi""",\'+x',
  ]);
});

test("as text it has tabs, and no active cells either", () => {
  expect(asText(ROWS.slice(1, 2))).toBe("'=HYPERLINK(1)\t-5.2%");
});

test("its buttons copy it without the hosts of links, formulas as TeX", async () => {
  const copied: string[] = [];
  vi.stubGlobal("navigator", { clipboard: { writeText: async (text: string) => copied.push(text) } });
  const place = table("| a | b |\n|--|--|\n| [10-K](https://example.com/) | $x^2$ |");
  for (const button of place.querySelectorAll("button")) button.click();
  await vi.waitFor(() => expect(copied).toEqual(["a\tb\n10-K\tx^2", "a,b\r\n10-K,x^2"]));
  await vi.waitFor(() => expect(place.querySelector("button")?.textContent).toBe("Copied"));
  vi.unstubAllGlobals();
});
