import { expect, test } from "vitest";
import {
  characterCount,
  clock,
  dateAndTime,
  discardReason,
  duration,
  label,
  modelName,
  money,
  moneyLeft,
  percent,
  providerName,
  reason,
  waitTime,
} from "./format.ts";

test.each([
  [null, "unknown"],
  [0, "$0"],
  [0.0000004, "under $0.000001"],
  [0.000001, "$0.000001"],
  [0.000042, "$0.000042"],
  [0.0016, "$0.0016"],
  [0.25, "$0.25"],
  [0.5, "$0.50"],
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
  expect(duration(milliseconds)).toBe(expected);
});

test("identifiers are written as labels", () => {
  expect(label("strong_buy")).toBe("Strong buy");
  expect(percent(0.625)).toBe("63 %");
  expect(reason("some_new_code")).toBe("Some new code.");
  expect(reason("No token for 20 seconds.")).toBe("No token for 20 seconds.");
});

test("an emoji is one character, as on the server", () => {
  expect(characterCount("  📈 up ")).toBe(4);
});

test.each([
  [0.2, "1 second"],
  [42, "42 seconds"],
  [99.5, "100 seconds"],
  [100, "2 minutes"],
  [5_400, "90 minutes"],
  [6_001, "2 hours"],
])("a wait of %s seconds reads as %s", (seconds, expected) => {
  expect(waitTime(seconds)).toBe(expected);
});

test.each([
  ["gpt-5-mini", "gpt-5-mini"],
  ["meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B"],
  ["/srv/models/llama.gguf", "llama.gguf"],
  ["../models/llama.gguf", "llama.gguf"],
  ["~/llama.gguf", "llama.gguf"],
  ["C:\\models\\llama.gguf", "llama.gguf"],
  ["https://key:secret@models.example/llama?token=1", "llama"],
  ["hf://", "hf:"],
])("the model %s is called %s", (model, expected) => {
  expect(modelName(model)).toBe(expected);
});

test("a provider's address is not shown", () => {
  expect(["local", "openai:gpt-5-mini", "ollama:llama3.2:1b", "openai-compatible:/srv/llama.gguf"].map(providerName)).toEqual([
    "local",
    "openai:gpt-5-mini",
    "ollama:llama3.2:1b",
    "openai-compatible:llama.gguf",
  ]);
});

test.each(
  [
    "unreachable timeout dropped unauthorized forbidden unknown_model rejected too_long rate_limited down empty looped",
    "invalid_answer not_configured failed",
  ].flatMap((line) => line.split(" ")),
)("provider_%s has a sentence of its own", (code) => {
  expect(discardReason(`provider_${code}`)).toMatch(/^The (model|debate)\b.*\.$/);
});

test("a budget's reason differs for a verdict and a message", () => {
  expect(reason("budget")).toBe("Limit reached before a verdict.");
  expect(discardReason("budget")).toBe("The limit was reached.");
});

test.each([
  [0.002 - 0.0008, "$0.0012"],
  [0.05 - 0.00042, "$0.0495"],
  [0.5, "$0.50"],
  [1.999, "$1.99"],
  [0.00001, "under $0.0001"],
  [0, "$0"],
])("of %s dollars no more than %s is left", (dollars, expected) => {
  expect(moneyLeft(dollars)).toBe(expected);
});

test("times are in the chosen zone, by a 24-hour clock", () => {
  document.documentElement.dataset["timeZone"] = "Asia/Tokyo";
  expect([clock("2026-12-01T15:10:00Z"), dateAndTime("2026-12-01T15:10:00Z")]).toEqual(["00:10", "2 Dec 2026, 00:10"]);
  document.documentElement.dataset["timeZone"] = "America/New_York";
  expect(clock("2026-12-01T18:10:00Z")).toBe("13:10");
  delete document.documentElement.dataset["timeZone"];
});
