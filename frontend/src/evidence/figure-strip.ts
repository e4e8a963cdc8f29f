// How the figures of a message stand to the record: one line, which opens to a list of them.

import { type TemplateResult, html, nothing } from "lit";
import type { CheckedFigure } from "../protocol/events.gen.ts";
import { ALL_LABELS, labelled } from "./labels.ts";
import { type Items, expectedAmount } from "./record.ts";

/** Nothing for a message without figures, or a debate without a record. */
export function figureStrip(figures: readonly CheckedFigure[], items: Items): TemplateResult | typeof nothing {
  if (figures.length === 0) return nothing;
  const sorted = ALL_LABELS.flatMap((label) => figures.filter((figure) => figure.label === label));
  return html`<details class="figures" data-testid="figures">
    <summary>${summary(figures)}</summary>
    <ul>
      ${sorted.map((figure) => row(figure, items))}
    </ul>
  </details>`;
}

/** Such as "7 figures: 6 match the record, 1 contradicts the record". */
function summary(figures: readonly CheckedFigure[]): string {
  const parts = ALL_LABELS.flatMap((label) => {
    const count = figures.filter((figure) => figure.label === label).length;
    const { one, many } = labelled(label);
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
  });
  return `${figures.length} ${figures.length === 1 ? "figure" : "figures"}: ${parts.reverse().join(", ")}`;
}

function row(figure: CheckedFigure, items: Items): TemplateResult {
  const { text, label, evidence, formula, start } = figure;
  const { symbol, one } = labelled(label);
  const where = evidence.length === 0 ? "" : ` (${evidence.join(", ")})`;
  const expected = expectedAmount(figure, items);
  const value = expected === null ? "" : `: the record has ${expected}`;
  return html`<li data-label=${label}>
    <button type="button" data-figure=${start} aria-haspopup="dialog">
      <span aria-hidden="true">${symbol}</span> <span><bdi>${text}</bdi> ${one}${value}${where}${formula === null ? nothing : html` <code>${formula}</code>`}</span>
    </button>
  </li>`;
}
