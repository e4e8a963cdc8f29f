// What came after a case from history, with what that proves.

import { type TemplateResult, html, nothing } from "lit";
import type { Outcome } from "../client/page-data.ts";
import { amount, dayName } from "./values.ts";

export function outcomeTemplate(outcome: Outcome | null): TemplateResult | typeof nothing {
  if (outcome === null) return nothing;
  const { from, to, change, note } = outcome;
  const sign = change.startsWith("-") ? "" : "+";
  return html`<aside class="outcome" aria-labelledby="outcome-title" data-testid="outcome">
    <h2 id="outcome-title">What came after</h2>
    <p>Price from ${dayName(from)} to ${dayName(to)}: <strong>${sign}${amount(change, "percent", null)}</strong></p>
    <p class="quiet">${note}</p>
  </aside>`;
}
