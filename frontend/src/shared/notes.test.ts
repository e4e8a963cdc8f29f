import { expect, test } from "vitest";
import { markdown } from "./markdown.ts";
import { linkNotes } from "./notes.ts";

function message(text: string): HTMLElement {
  const element = document.createElement("div");
  element.id = "m-1";
  element.append(markdown(text));
  linkNotes(element, true);
  return element;
}

const leads = (element: HTMLElement): string[] =>
  [...element.querySelectorAll<HTMLAnchorElement>("a[href^='#']")].map(({ textContent, hash }) => {
    const target = element.querySelector(hash);
    return `${textContent} -> ${target?.textContent}`;
  });

test("references lead to their notes, and each note to its first reference", () => {
  const element = message("Up[^1], and again[^1].\n\n[^1]: Annual report.");
  expect(leads(element)).toEqual(["1 -> 1 Annual report.", "1 -> 1 Annual report.", "1 -> 1"]);
  expect(element.querySelector("[note] a")?.getAttribute("href")).toBe(`#${element.querySelector("[to]")?.id}`);
  linkNotes(element, true);
  expect(leads(element)).toHaveLength(3);
});

test("numbers in brackets lead to the numbered sources of the message, if it has them", () => {
  expect(leads(message("Margins fell [2][1].\n\nSources:\n\n[1] Annual report\n[2]: Filing"))).toEqual([
    "[2] -> [2]: Filing",
    "[1] -> [1] Annual report",
    "[1] -> [1]",
    "[2]: -> [2]",
  ]);
  expect(leads(message("As [1] says.\n\n- [1] Annual report\n- [2] Filing"))[0]).toBe("[1] -> [1] Annual report");
  expect(leads(message("Margins fell [3], x[0] too.\n\n[1] Annual report"))).toEqual([]);
});

test("numbers in brackets lead to the items of a numbered list of sources at the end", () => {
  const cited = "Margins rose [2], as did sales [1].\n\n1. Annual report\n2. Filing";
  expect(leads(message(cited))).toEqual(["[2] -> Filing", "[1] -> Annual report"]);
  expect(leads(message("Margins rose [4].\n\n### Sources\n\n3. Annual report\n4. Filing"))).toEqual(["[4] -> Filing"]);
  expect(leads(message("Margins rose [1].\n\nRisks:\n\n1. Rates\n2. Demand"))).toEqual([]);
  expect(leads(message(`${cited}\n\nThat is all.`))).toEqual([]);
});

test("a number in brackets that is a link, or in one, stays as it is", () => {
  const element = message("See [1] and [text [2]](https://example.com/a).\n\n[1]: https://example.com/\n\n[2] Filing");
  expect(leads(element)).toEqual([]);
  expect(element.querySelector("a")?.href).toBe("https://example.com/");
  expect(element.querySelectorAll("a a")).toHaveLength(0);
});

test("notes of hostile text are text", () => {
  const element = message('Up[^"><img>] [^x].\n\n[^"><img>]: <b onclick=alert(1)>\n[^x]: [a](javascript:alert(1))');
  expect(element.querySelectorAll("img, [onclick], a[href^=javascript]")).toHaveLength(0);
});
