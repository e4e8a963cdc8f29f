// The prices of the record's chart, and the items of the record that are points of it.

import type { Item, Snapshot } from "../protocol/events.gen.ts";

/** A day as YYYY-MM-DD, and its value. */
export type Point = readonly [day: string, value: number];

/** As the server's frontend/record_data.py sends them. */
export type Prices = { readonly source: string; readonly points: readonly Point[] };

/** An item that the chart shows. */
export type Mark = { readonly day: string; readonly item: Item };

const ON_THE_LINE = new Set(["close", "high_52w", "low_52w", "fx"]);

/** The cited items that are points of the prices, by day. */
export function marksOn({ points, source }: Prices, cited: readonly Item[], { instrument }: Snapshot): Mark[] {
  const days = new Set(points.map(([day]) => day));
  const marks = cited
    .filter((item) => item.subject === instrument?.symbol && item.source === source && ON_THE_LINE.has(item.metric) && days.has(item.period))
    .map((item) => ({ day: item.period, item }));
  return marks.sort((a, b) => a.day.localeCompare(b.day));
}

/** The last value of each month, newest first: the chart as a table. */
export function monthly(points: readonly Point[]): Point[] {
  return points.filter(([day], index) => day.slice(0, 7) !== points[index + 1]?.[0].slice(0, 7)).reverse();
}
