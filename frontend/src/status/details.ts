// How a debate runs, for those who want to know: cost, tokens, time, models, limits, fingerprint. Folded.

import { type TemplateResult, html, nothing } from "lit";
import { limitsTemplate } from "./budget.ts";
import { cost, endOf, formatCost, modelsOf, tokensOf } from "./usage.ts";
import type { LiveDebate } from "./status-panel.ts";
import { duration, thousands } from "../shared/format.ts";

export function detailsTemplate({ page, state, now }: LiveDebate): TemplateResult {
  const paid = cost(state);
  const time = state.startedAt === null ? "–" : duration(endOf(state, now) - Date.parse(state.startedAt));
  const spent = paid === undefined ? "–" : formatCost(paid);
  const { input, output } = tokensOf(state);
  const tokens = state.head === 0 ? "–" : `${thousands(input)} / ${thousands(output)}`;
  return html`<details class="run-details" data-testid="run-details">
    <summary>Details <span class="brief">${time}</span></summary>
    <dl class="usage">
      ${fact("Run time", "elapsed", time)} ${fact("Cost", "cost", spent)}
      ${fact("Tokens (input / output)", "tokens", tokens)} ${modelsTemplate(modelsOf(state))}
    </dl>
    ${limitsTemplate(page.limits, state, now)} ${digestTemplate(state.complete?.transcript_sha256)}
    ${reviewTemplate(page.reviewUrl)}
  </details>`;
}

function fact(name: string, testId: string, value: string): TemplateResult {
  return html`<div><dt>${name}</dt><dd data-testid=${testId}>${value}</dd></div>`;
}

function modelsTemplate(models: readonly string[]): TemplateResult | typeof nothing {
  if (models.length === 0) return nothing;
  return html`<div class="wide">
    <dt>${models.length === 1 ? "Model" : "Models"}</dt>
    <dd data-testid="models">${models.map((model) => html`<span>${model}</span>`)}</dd>
  </div>`;
}

function digestTemplate(digest: string | undefined): TemplateResult | typeof nothing {
  if (digest === undefined) return nothing;
  return html`<p class="digest">SHA-256 of the transcript <code>${digest}</code></p>`;
}

function reviewTemplate(url: string | null): TemplateResult | typeof nothing {
  return url === null ? nothing : html`<p class="review"><a class="link" href=${url} data-testid="review-link">Review in admin</a></p>`;
}
