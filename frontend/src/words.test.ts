import { expect, test } from "vitest";
import { hue } from "./hues.ts";
import { clock, label, length, money, percent, reason } from "./words.ts";

test.each([
  [null, "unknown"],
  [0, "$0"],
  [0.0000004, "under $0.000001"],
  [0.000001, "$0.000001"],
  [0.000042, "$0.000042"],
  [0.0016, "$0.0016"],
  [0.25, "$0.25"],
  [12.5, "$12.50"],
])("%s dollars read as %s", (dollars, expected) => {
  expect(money(dollars)).toBe(expected);
});

test.each([
  [0, "0:00"],
  [7_400, "0:07"],
  [760_000, "12:40"],
  [3_723_000, "1:02:03"],
  [-5, "0:00"],
])("%i milliseconds read as %s", (milliseconds, expected) => {
  expect(clock(milliseconds)).toBe(expected);
});

test("values of the vocabulary read as words", () => {
  expect(label("strong_buy")).toBe("Strong buy");
  expect(percent(0.625)).toBe("63 %");
  expect(reason("some_new_code")).toBe("Some new code.");
  expect(reason("No token for 20 seconds.")).toBe("No token for 20 seconds.");
});

test("a role has the colour that the server gives it", () => {
  expect(["financial_analyst", "market_context", "risk_challenger", "moderator"].map(hue)).toEqual([0, 1, 2, 3]);
  expect(["bond_desk", "quant", ""].map(hue)).toEqual([5, 5, 4]);
});

test("characters are counted as the server counts them", () => {
  expect(length("  📈 up ")).toBe(4);
});
