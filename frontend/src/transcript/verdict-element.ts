// <outcry-verdict>: the verdict, as the moderator gave it.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Complete } from "../protocol/events.gen.ts";
import { markdown } from "../shared/markdown.ts";
import { charge, label, percent, reason, thousands } from "../shared/format.ts";
import { PageElement } from "../shared/page-element.ts";

@customElement("outcry-verdict")
export class VerdictElement extends PageElement {
  @property({ attribute: false }) complete!: Complete;

  protected override render(): TemplateResult {
    const { verdict, mode, summary, consensus, dissent, key_points, risks, horizon, cost_summary } = this.complete;
    return html`<section class="verdict" data-testid="verdict" data-stance=${verdict} aria-labelledby="verdict-title">
      <header>
        <div>
          <p class="kicker">
            Verdict ${mode === "demo" ? html`<span class="tag tag-demo">DEMO</span>` : nothing}
          </p>
          <h2 class="stance" id="verdict-title" data-stance=${verdict}>${label(verdict)}</h2>
        </div>
        ${this.#confidence()}
      </header>
      ${this.complete.reason === null ? nothing : html`<p class="no-verdict">${reason(this.complete.reason)}</p>`}
      ${summary ? html`<div class="prose summary">${markdown(summary, 2)}</div>` : nothing}
      <div class="parts">
        ${part("Where they agree", consensus)} ${part("Where they differ", dissent)} ${list("Key points", key_points)}
        ${list("Risks", risks)} ${part("Horizon", horizon)}
      </div>
      <footer class="facts">
        <span>Cost: ${charge(cost_summary.usd)}</span>
        ${tokens(cost_summary.input_tokens, "input")} ${tokens(cost_summary.output_tokens, "output")}
        <span class="digest" title="SHA-256 of everything that was said">SHA-256 <code>${this.complete.transcript_sha256}</code></span>
      </footer>
    </section>`;
  }

  #confidence(): TemplateResult | typeof nothing {
    const { confidence, verdict } = this.complete;
    if (verdict === "no_verdict") return nothing;
    if (confidence === null) return html`<p class="confidence quiet">No confidence stated</p>`;
    return html`<div class="confidence">
      <label for="confidence">Confidence <strong>${percent(confidence)}</strong></label>
      <progress class="progress" id="confidence" max="1" value=${confidence}>${percent(confidence)}</progress>
    </div>`;
  }
}

function part(title: string, text: string): TemplateResult | typeof nothing {
  return text ? html`<div><h3>${title}</h3><div class="prose">${markdown(text)}</div></div>` : nothing;
}

function tokens(count: number | null, kind: string): TemplateResult | typeof nothing {
  return count === null ? nothing : html`<span>${thousands(count)} ${kind} tokens</span>`;
}

function list(title: string, points: readonly string[]): TemplateResult | typeof nothing {
  if (points.length === 0) return nothing;
  return html`<div>
    <h3>${title}</h3>
    <ul class="prose">${points.map((point) => html`<li>${markdown(point)}</li>`)}</ul>
  </div>`;
}
