// The tables of models and of days.

import { type TemplateResult, html } from "lit";
import { milliseconds } from "./data.ts";
import type { Day, ModelUsage } from "./figures.gen.ts";
import { costText } from "./gauges.ts";
import { modelLabel, thousands } from "../shared/format.ts";

export function modelsTemplate(models: readonly ModelUsage[]): TemplateResult {
  if (models.length === 0) {
    return html`<p class="empty">This process has not called a model. Workers have these figures at their /metrics.</p>`;
  }
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Table of models">
    <table data-testid="models">
      <thead>
        <tr>
          <th scope="col">Model</th>
          <th scope="col" class="number">Turns</th>
          <th scope="col">Errors</th>
          <th scope="col" class="number">First token, p50</th>
          <th scope="col" class="number">p95</th>
          <th scope="col" class="number">Input tokens</th>
          <th scope="col" class="number">Output tokens</th>
          <th scope="col" class="number">Cost</th>
        </tr>
      </thead>
      <tbody>
        ${models.map(modelTemplate)}
      </tbody>
    </table>
  </div>`;
}

function modelTemplate(model: ModelUsage): TemplateResult {
  const errors = Object.entries(model.failures).map(([code, many]) => `${thousands(many)} ${code}`);
  return html`<tr>
    <th scope="row">${modelLabel(model)}</th>
    <td class="number">${thousands(model.spoken)}</td>
    <td>${errors.length === 0 ? html`<span class="quiet">none</span>` : errors.join(", ")}</td>
    <td class="number">${milliseconds(model.first_token_p50_ms)}</td>
    <td class="number">${milliseconds(model.first_token_p95_ms)}</td>
    <td class="number">${thousands(model.input_tokens)}</td>
    <td class="number">${thousands(model.output_tokens)}</td>
    <td class="number">${model.spoken === 0 ? "–" : costText(model)}</td>
  </tr>`;
}

export function daysTemplate(days: readonly Day[]): TemplateResult {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Table of days">
    <table data-testid="days">
      <thead>
        <tr>
          <th scope="col">Day (UTC)</th>
          <th scope="col" class="number">Debates</th>
          <th scope="col" class="number">Failed</th>
          <th scope="col" class="number">Tokens</th>
          <th scope="col" class="number">Cost</th>
        </tr>
      </thead>
      <tbody>
        ${days.map(
          (day) =>
            html`<tr>
              <th scope="row"><time datetime=${day.day}>${day.day}</time></th>
              <td class="number">${thousands(day.debates)}</td>
              <td class="number">${thousands(day.failed)}</td>
              <td class="number">${thousands(day.tokens)}</td>
              <td class="number">${day.tokens === 0 ? "–" : costText(day)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
