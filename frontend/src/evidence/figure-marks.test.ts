import { describe, expect, test } from "vitest";
import { markedText, placedIn } from "./figure-marks.ts";
import { itemsOf } from "./record.ts";
import type { CheckedFigure, Item } from "../protocol/events.gen.ts";

const ITEM: Item = {
  id: "E1", subject: "AAPL", metric: "close", label: "", definition: "", period: "2012-12-31", value: "532.17", unit: "currency",
  currency: "USD", source: "", licence: "", locator: "", known_at: null, quality: "ok",
};
const ITEMS = itemsOf([ITEM, { ...ITEM, id: "E2" }]);

/** The figures of a text that has "⟦" before and "⟧" after each, and the text without these. */
function read(marked: string): { text: string; figures: CheckedFigure[] } {
  const figures: CheckedFigure[] = [];
  let text = "";
  for (const part of marked.split("⟦")) {
    const [figure, rest] = part.includes("⟧") ? part.split("⟧") : [null, part];
    if (figure != null) {
      const start = [...text].length;
      const value = { value: "1", unit: "plain", label: "matched", evidence: [], expected: null, formula: null };
      figures.push({ start, end: start + [...figure].length, text: figure, ...value });
      text += figure;
    }
    text += rest;
  }
  return { text, figures };
}

function draw(marked: string): HTMLElement {
  const { text, figures } = read(marked);
  const place = document.createElement("div");
  place.append(...markedText(text, 3, figures, ITEMS));
  return place;
}

/** The text of the page with "⟦" before and "⟧" after what is marked. */
function shown(marked: string): string {
  const place = draw(marked);
  for (const mark of place.querySelectorAll(".checked-figure")) mark.prepend("⟦"), mark.append("⟧");
  for (const added of place.querySelectorAll(".leads-to, .table-actions")) added.remove();
  return (place.textContent ?? "").replace(/\s+/g, " ").trim();
}

describe("a checked figure is marked where it stands", () => {
  test.each([
    ["a paragraph", "It closed at ⟦$532.17⟧ and ⟦532.17⟧.", "It closed at ⟦$532.17⟧ and ⟦532.17⟧."],
    ["bold, and a percent sign outside of it", "**⟦12** %⟧ of 12 %", "⟦12⟧⟦ %⟧ of 12 %"],
    ["characters of two units", "🚀🚀 up ⟦5 %⟧ 🚀 and ⟦6 %⟧", "🚀🚀 up ⟦5 %⟧ 🚀 and ⟦6 %⟧"],
    ["line breaks of two characters", "a\r\n\r\nb ⟦5 %⟧\r\nc ⟦6 %⟧", "ab ⟦5 %⟧ c ⟦6 %⟧"],
    ["character references", "R&amp;D &lt; ⟦5 %⟧ of S&P&nbsp;500", "R&D < ⟦5 %⟧ of S&P 500"],
    ["an escape", "from \\$5 to \\⟦$6⟧", "from $5 to ⟦$⟧⟦6⟧"],
    ["a list whose number is the same", "1. **1** a\n2. **⟦2⟧** b", "1 a ⟦2⟧ b"],
    ["a list in a list, with lines of several depths", "- a\n\n  b 5\n  c ⟦5⟧\n  - d 5 and\n    ⟦5⟧ e", "ab 5 c ⟦5⟧ d 5 and ⟦5⟧ e"],
    ["a quotation of several lines", "> 5 and\n> ⟦5⟧ and\n> **⟦6⟧**", "5 and ⟦5⟧ and ⟦6⟧"],
    ["a table", "| a | b |\n|---|--:|\n| 1 | ⟦1⟧ |\n|   | **⟦1 %⟧** |", "a b 1 ⟦1⟧ ⟦1 %⟧"],
    ["a heading", "## ⟦5 %⟧ up\n\nto ⟦5 %⟧", "⟦5 %⟧ upto ⟦5 %⟧"],
    ["a link whose address has the same", "[5](https://a.example/5) or ⟦5⟧", "5 or ⟦5⟧"],
    ["a note", "Up[^1].\n\n[^1]: By 1 to ⟦1⟧.", "Up1.1 By 1 to ⟦1⟧."],
    ["code", "`a 5` and `⟦5⟧`", "a 5 and ⟦5⟧"],
    ["no place: a formula", "so $r = ⟦5⟧$", "so $r = 5$"],
  ])("%s", (_name, source, page) => {
    expect(shown(source).replaceAll("\u00a0", " ")).toBe(page);
  });

  test("not where the text has something else than the checker saw", () => {
    const { text, figures } = read("up ⟦5 %⟧");
    const place = document.createElement("div");
    place.append(...markedText(`x${text}`, 3, figures, ITEMS));
    expect(place.querySelector(".checked-figure")).toBeNull();
  });

  test("with its symbol once, and the record's value where it contradicts that", () => {
    const { text, figures } = read("**⟦40** %⟧");
    const wrong = figures.map((figure) => ({ ...figure, unit: "percent", label: "contradicted", expected: "26.6671" }));
    const place = document.createElement("div");
    place.append(...markedText(text, 3, wrong, ITEMS));
    const marks = [...place.querySelectorAll<HTMLElement>(".checked-figure")];
    expect(marks.map((mark) => [mark.dataset["label"], mark.hasAttribute("data-end"), mark.dataset["record"]])).toEqual([
      ["contradicted", false, undefined],
      ["contradicted", true, "26.67\u00a0%"],
    ]);
  });

  test.each(["- ⟦5⟧ %\n", "> - ⟦5⟧\n", "|5|⟦5⟧|\n", "**⟦5⟧** 5\n", "1. 5\n   ⟦5⟧ &amp;\n"])("in a time like that of the text without marks: %j", (line) => {
    const text = (line.startsWith("|") ? "|a|b|\n|-|-|\n" : "") + line.repeat(200);
    // The fastest of some runs, because the machine may be busy during one.
    const seconds = (source: string): number => Math.min(...[1, 2, 3].map(() => secondsOf(() => draw(source))));
    expect(seconds(text) / seconds(text.replace(/[⟦⟧]/g, ""))).toBeLessThan(60);
  });
});

test("ten thousand figures are placed in a time in proportion to their number", () => {
  const placing = (lines: number): number => {
    const [{ text, figures }, length] = [read("⟦53.2 %⟧\r\n🚀"), 9];
    const all = Array.from({ length: lines }, (_, line) => ({ ...figures[0]!, start: line * length, end: line * length + 6 }));
    const whole = text.repeat(lines);
    return Math.min(...[1, 2, 3].map(() => secondsOf(() => expect(placedIn(whole, all, 0)).toHaveLength(lines))));
  };
  placing(1_000);
  expect(placing(10_000) / placing(1_000)).toBeLessThan(40);
});

function secondsOf(work: () => void): number {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}

test("citations of the record are buttons, others text", () => {
  const place = draw("At $5 [E1, E2] or [E9], `[E1]` and [E1](https://a.example/).");
  expect([...place.querySelectorAll("button")].map(({ dataset }) => dataset["evidence"])).toEqual(["E1", "E2"]);
  expect(place.textContent).toBe("At $5 [E1, E2] or [E9], [E1] and E1 (a.example).");
});
