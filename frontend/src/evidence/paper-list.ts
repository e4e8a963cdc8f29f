// The cited items as a list, on paper only: there, nothing opens.

import { type TemplateResult, html, nothing } from "lit";
import type { State } from "../protocol/state.ts";
import { citations } from "./record.ts";
import { dayName, itemAmount, metricName, periodName } from "./values.ts";

export function paperListTemplate(state: State): TemplateResult | typeof nothing {
  const cited = citations(state);
  const items = state.evidence.filter(({ id }) => cited.has(id));
  if (items.length === 0) return nothing;
  return html`<section class="on-paper evidence-list">
    <h2>Evidence</h2>
    <ul>
      ${items.map((item) => {
        const known = item.known_at === null ? "" : `, known since ${dayName(item.known_at)}`;
        return html`<li>
          ${item.id} ${item.subject}, ${metricName(item.metric).toLowerCase()}, ${periodName(item.period)}: <strong>${itemAmount(item)}</strong>. ${item.source}${known}.
        </li>`;
      })}
    </ul>
  </section>`;
}
