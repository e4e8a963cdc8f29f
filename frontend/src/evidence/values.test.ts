import { expect, test } from "vitest";
import { amount, dayName, exactly, metricName, periodName } from "./values.ts";

test("values are rounded with their unit", () => {
  const shown = [
    amount("156508000000", "currency", "USD"),
    amount("702.1", "currency", "USD"),
    amount("-1.5", "currency", "CHF"),
    amount("1.3194", "currency", "USD"),
    amount("-24.203127", "percent", null),
    amount("340", "bp", null),
    amount("12.0537", "multiple", null),
    amount("23553300", "count", null),
    amount("47.009703", "index", null),
  ];
  expect(shown.map((text) => text.replaceAll("\u00a0", " "))).toEqual([
    "$156.51bn", "$702.10", "−1.50 CHF", "$1.3194", "−24.2 %", "340 bp", "12.05×", "23.55m", "47.01",
  ]);
});

test("an exact value keeps every digit", () => {
  expect([exactly("123456789012345678.90123"), exactly("-532.1729"), exactly("45")]).toEqual([
    "123,456,789,012,345,678.90123", "-532.1729", "45",
  ]);
});

test("days are those of the record, in no time zone", () => {
  expect([periodName("2011-12-30..2012-12-31"), periodName("2012-11"), periodName("FY2012"), dayName("2012-12-31T23:30:00Z")]).toEqual([
    "30 Dec 2011 – 31 Dec 2012", "Nov 2012", "FY2012", "31 Dec 2012",
  ]);
  expect([metricName("high_52w"), metricName("net_income")]).toEqual(["52-week high", "Net income"]);
});
