import { afterEach, expect, test, vi } from "vitest";
import { passageIn, sourcesOf } from "./passage.ts";
import type { Item } from "../protocol/events.gen.ts";

const ITEM: Item = {
  id: "E1", subject: "Tarnwick", metric: "revenue", label: "Revenue was £412.0 million.", definition: "", period: "FY2025", value: "412000000",
  unit: "currency", currency: "GBP", source: "report.pdf", licence: "", locator: "page 2, sentence 9", known_at: null, quality: "user",
};
const SOURCE = { name: "report.pdf", cited: "report.pdf", characters: 40, pages: 2, text: null, url: "/sources/1/" };

afterEach(() => vi.unstubAllGlobals());

test("a sentence is found in the second of two sources with its name, which is loaded for it", async () => {
  vi.stubGlobal("fetch", async (url: string) => new Response(url === "/sources/2/" ? `Good. ${ITEM.label} Bad.` : "Nothing here."));
  const sources = sourcesOf(ITEM, [SOURCE, { ...SOURCE, url: "/sources/2/" }, { ...SOURCE, cited: "other.pdf", text: ITEM.label }]);
  expect(await passageIn(sources, ITEM)).toEqual({ name: "report.pdf", before: "Good. ", sentence: ITEM.label, after: " Bad.", url: "/sources/2/" });
});

test("of a long text, what stands around the sentence is shown", async () => {
  const text = "a".repeat(9_000) + ITEM.label + "b".repeat(9_000);
  const found = await passageIn([{ ...SOURCE, text }], ITEM);
  expect([found?.before.length, found?.after.length]).toEqual([2_500, 2_500]);
});

test("a source that cannot be loaded has no passage", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("offline")));
  expect(await passageIn([SOURCE], ITEM)).toBeNull();
});
