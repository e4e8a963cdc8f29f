import { describe, expect, test } from "vitest";
import { markdown } from "./markdown.ts";
import { drawn } from "./tex.ts";

test("a formula becomes MathML", async () => {
  document.body.replaceChildren(markdown("So $\\frac{a}{b} = 9.5%$ is."));
  await expect.poll(() => document.querySelector("outcry-formula > math mfrac")?.textContent).toBe("ab");
  expect(document.querySelector("math")?.textContent).toBe("ab=9.5%");
  expect(document.querySelector("annotation, [style]")).toBeNull();
});

test("a formula with an error stays as it was written", async () => {
  document.body.replaceChildren(markdown("$\\frac{a$ and $\\unknown{x}$ and $x$"));
  await expect.poll(() => document.querySelector("math")?.textContent).toBe("x");
  expect(document.body.textContent).toContain("$\\unknown{x}$");
});

const HOSTILE = [
  "\\href{javascript:alert(1)}{x}",
  "\\url{https://evil.example/}",
  "\\includegraphics{https://evil.example/x.png}",
  "\\htmlClass{masthead}{x}",
  "\\htmlStyle{position:fixed}{x}",
  "\\htmlId{main}{x}",
  "\\text{<img src=x onerror=alert(1)>}",
  "\\color{red}{x} \\colorbox{red}{y}",
  "\\rule{9999em}{9999em}",
  "\\kern{-9999em}x \\rlap{y} \\llap{z} \\hspace{-99em}",
  "\\raisebox{99em}{x} \\smash{y}",
  "\\boxed{x} \\cancel{y}",
];

describe.each(HOSTILE)("hostile: %s", (tex) => {
  test("is only a formula, where it stands", () => {
    for (const element of drawn(tex, true)?.querySelectorAll("*") ?? []) {
      expect(element.namespaceURI).toBe("http://www.w3.org/1998/Math/MathML");
      for (const { name, value } of element.attributes) {
        expect(["style", "class", "id", "href", "src", "mathcolor", "mathbackground", "height", "voffset"]).not.toContain(name);
        if (name !== "columnalign") expect(value).toMatch(/^(?:[a-z-]+|\+?\d{1,2}(?:\.\d+)?(?:em|pt|px)?)$/);
      }
    }
  });
});

test.each([
  ["\\def\\a{\\a\\a}\\a", "endless macros"],
  ["\\def\\a#1{#1#1#1#1}\\a{\\a{\\a{\\a{\\a{\\a{\\a{x}}}}}}}", "growing macros"],
  ["\\sqrt{".repeat(500) + "x" + "}".repeat(500), "depth"],
  ["{".repeat(3_000), "braces"],
  ["\\left(".repeat(600), "brackets"],
  ["x^".repeat(1_500), "powers"],
  ["\\begin{matrix}".repeat(250), "matrices"],
  ["x&".repeat(1_900), "cells"],
])("%# takes a bounded time", (tex) => {
  const begun = performance.now();
  drawn(tex, true);
  expect(performance.now() - begun).toBeLessThan(2_000);
});
