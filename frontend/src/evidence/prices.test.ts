import { expect, test } from "vitest";
import { marksOn, monthly } from "./prices.ts";
import { recorded } from "../testing/recordings.test-data.ts";

const POINTS = [["2012-11-29", 589.36], ["2012-11-30", 585.28], ["2012-12-28", 509.59], ["2012-12-31", 532.17]] as const;

test("only cited points of the same prices are marked", () => {
  const { evidence, snapshot } = recorded("record").state;
  const prices = { source: "Quandl WIKI Prices", points: POINTS };
  // The RSI of that day is no point of the line.
  expect(marksOn(prices, evidence, snapshot!).map(({ day, item }) => [day, item.id])).toEqual([["2012-12-31", "E1"]]);
  expect(marksOn({ ...prices, source: "prices.csv" }, evidence, snapshot!)).toEqual([]);
  expect(marksOn({ ...prices, points: POINTS.slice(0, 3) }, evidence, snapshot!)).toEqual([]);
});

test("the table has the last value of each month, newest first", () => {
  expect(monthly(POINTS)).toEqual([["2012-12-31", 532.17], ["2012-11-30", 585.28]]);
});
