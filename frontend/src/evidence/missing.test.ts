import { expect, test } from "vitest";
import { missingLines } from "./missing.ts";
import type { MissingReason } from "../protocol/events.gen.ts";

test("one line names all that lack a metric for the same reason", () => {
  const missing = [
    { subject: "FB", metric: "return_12m", reason: "no_data" },
    { subject: "US", metric: "real_gdp", reason: "stale" },
    { subject: "GOOG", metric: "return_12m", reason: "no_data" },
    { subject: "IBM", metric: "return_12m", reason: "of_a_later_version" as MissingReason },
  ] as const;
  expect(missingLines(missing)).toEqual([
    "Return, 12 months (FB, GOOG): no data",
    "Real GDP (US): only outdated values",
    "Return, 12 months (IBM): of a later version",
  ]);
});
