// How the figures of a message stand to the record: one line, which opens to a list of them.

import { type TemplateResult, html, nothing } from "lit";
import type { CheckedFigure } from "../protocol/events.gen.ts";

/** What each label means, as said of one figure and of several; worst first. A symbol, so that colour is not needed. */
const LABELS: Readonly<Record<string, readonly [symbol: string, one: string, many: string]>> = {
  contradicted: ["✕", "contradicts the record", "contradict the record"],
  unsupported: ["?", "is not in the record", "not in the record"],
  unchecked: ["–", "could not be checked", "not checked"],
  assumption: ["~", "is an assumption", "assumptions"],
  consistent: ["≈", "fits the record", "fit the record"],
  derived: ["=", "follows from the record", "follow from the record"],
  matched: ["✓", "matches the record", "match the record"],
};

/** Nothing for a message without figures, or a debate without a record. */
export function figureStrip(figures: readonly CheckedFigure[]): TemplateResult | typeof nothing {
  if (figures.length === 0) return nothing;
  const sorted = Object.keys(LABELS).flatMap((label) => figures.filter((figure) => figure.label === label));
  return html`<details class="figures" data-testid="figures">
    <summary>${summary(figures)}</summary>
    <ul>
      ${sorted.map(row)}
    </ul>
  </details>`;
}

/** Such as "7 figures: 6 match the record, 1 contradicts the record". */
function summary(figures: readonly CheckedFigure[]): string {
  const parts = Object.entries(LABELS).flatMap(([label, [, one, many]]) => {
    const count = figures.filter((figure) => figure.label === label).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
  });
  return `${figures.length} ${figures.length === 1 ? "figure" : "figures"}: ${parts.reverse().join(", ")}`;
}

function row({ text, label, evidence, expected, formula }: CheckedFigure): TemplateResult {
  const [symbol, says] = LABELS[label] ?? ["", label];
  const where = evidence.length === 0 ? "" : ` (${evidence.join(", ")})`;
  const value = expected === null ? "" : `: the record has ${expected}`;
  return html`<li data-label=${label}>
    <span aria-hidden="true">${symbol}</span> <bdi>${text}</bdi> ${says}${value}${where}${formula === null ? nothing : html` <code>${formula}</code>`}
  </li>`;
}
