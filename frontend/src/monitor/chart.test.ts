import { expect, test } from "vitest";
import { type Chart, ceiling, minutes, path, sentence } from "./chart.ts";

/** So many seconds after midnight. */
function at(...seconds: number[]): string[] {
  return seconds.map((second) => new Date(second * 1000).toISOString());
}

test("the scale ends at a round number whose half is whole", () => {
  expect([0, 0.2, 2, 3, 7, 12, 40, 41, 990].map(ceiling)).toEqual([2, 2, 2, 4, 10, 20, 40, 100, 1000]);
});

test("the shortest span that fits all samples is shown", () => {
  expect(minutes([])).toBe(1);
  expect(minutes(at(0, 60))).toBe(1);
  expect(minutes(at(0, 61))).toBe(2);
  expect(minutes(at(0, 595))).toBe(10);
});

test("the newest value is at the right edge, the scale's top at the top", () => {
  expect(path(at(48, 54, 60), [0, 5, 10], 10, 1)).toBe("M480 100h0L540 50L600 0");
});

test("a line breaks at unknown values, and a single value is a dot", () => {
  expect(path(at(0, 5, 10, 15), [1, null, 1, null], 1, 1)).toBe("M450 0h0M550 0h0");
});

test("a line breaks between distant samples", () => {
  expect(path(at(0, 5, 55, 60), [1, 1, 1, 1], 1, 1)).toBe("M0 0h0L50 0M550 0h0L600 0");
});

test("a chart has a sentence for screen readers", () => {
  const format = (value: number | null): string => (value === null ? "unknown" : `${value} ms`);
  const lines = [
    { name: "p50", values: [3, 9, 4] },
    { name: "p99", values: [null, null, null] },
  ];
  const chart: Chart = { id: "latency", title: "Latency", times: at(0, 5, 10), lines, format };
  expect(sentence(chart, 1)).toBe("Latency, over the last minute. p50: now 4 ms, highest 9 ms; p99: nothing yet.");
});
