import { afterEach, expect, test, vi } from "vitest";
import { wholeResult } from "./whole-result.ts";

const BEGINNING = { columns: ["n", "what"], rows: [["1", ""]], total: 2, chart: null };

afterEach(() => vi.unstubAllGlobals());

test("all rows of a long result are read as texts, as the table has them", async () => {
  const stored = { columns: ["n", "what"], types: ["BIGINT", "BOOLEAN"], rows: [[1, null], ["2.50", true]], truncated: false };
  vi.stubGlobal("fetch", async (url: string) => (expect(url).toBe("/api/conversations/texts/7"), Response.json(stored)));
  expect(await wholeResult(BEGINNING, "7")).toEqual({ ...BEGINNING, rows: [["1", ""], ["2.50", "true"]] });
  expect(await wholeResult(BEGINNING, null)).toBe(BEGINNING);
});

test("a result that is gone is not taken for its beginning", async () => {
  vi.stubGlobal("fetch", async () => new Response("", { status: 404 }));
  await expect(wholeResult(BEGINNING, "7")).rejects.toThrow();
});
