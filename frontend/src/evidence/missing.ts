// Why figures are not in the record, in words.

import type { Missing, MissingReason } from "../protocol/events.gen.ts";
import { label } from "../shared/format.ts";
import { metricName } from "./values.ts";

const REASONS: Readonly<Record<MissingReason, string>> = {
  before_first_value: "the data begins later",
  licence: "the licence does not allow it",
  no_data: "no data",
  not_configured: "no source is set up",
  rate_limited: "the source limits our rate",
  stale: "only outdated values",
  timeout: "the source did not answer in time",
  too_many: "left out, because there are too many figures",
  unavailable: "the source could not be reached",
  wrong_instrument: "the source has another instrument",
};

/** One line for each metric and reason: "Real GDP (US): only outdated values". */
export function missingLines(missing: readonly Missing[]): string[] {
  const subjects = new Map<string, string[]>();
  for (const { subject, metric, reason } of missing) {
    const key = JSON.stringify([metric, reason]);
    subjects.set(key, [...(subjects.get(key) ?? []), subject]);
  }
  return [...subjects].map(([key, of]) => {
    const [metric, reason] = JSON.parse(key) as [string, MissingReason];
    return `${metricName(metric)} (${of.join(", ")}): ${words(reason)}`;
  });
}

/** A later version may know more reasons. */
function words(reason: string): string {
  return (REASONS as Readonly<Record<string, string>>)[reason] ?? label(reason).toLowerCase();
}
