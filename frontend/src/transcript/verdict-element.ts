// <outcry-verdict>: the verdict, as the Moderator gave it: what, why, and what would change it; the rest is folded.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { markedText } from "../evidence/figure-marks.ts";
import { type Items, itemsOf } from "../evidence/record.ts";
import type { CheckedFigure, Complete, Item } from "../protocol/events.gen.ts";
import { label, percent, reason } from "../shared/format.ts";
import { PageElement } from "../shared/page-element.ts";

type Optional = TemplateResult | typeof nothing;

/** Reasons of a missing verdict that are its title. */
const TITLES: Readonly<Record<string, string>> = { demo: "Demo: no verdict", test_model: "Test run, no opinion" };
/** Key points that are shown at once. */
const SHOWN = 3;

@customElement("outcry-verdict")
export class VerdictElement extends PageElement {
  @property({ attribute: false }) complete!: Complete;
  /** The checked figures of the summary. */
  @property({ attribute: false }) figures: readonly CheckedFigure[] = [];
  /** The items of the debate's record. */
  @property({ attribute: false }) evidence: readonly Item[] = [];

  protected override render(): TemplateResult {
    const { verdict, summary, key_points, risks, horizon, would_change } = this.complete;
    const why = this.complete.reason ?? "";
    const items = itemsOf(this.evidence);
    return html`<section class="verdict" data-testid="verdict" data-stance=${verdict} aria-labelledby="verdict-title">
      <header>
        <div>
          <p class="kicker">Verdict</p>
          <h2 class="stance" id="verdict-title" data-stance=${verdict}>${verdictTitle(this.complete)}</h2>
        </div>
        ${this.#confidence()}
      </header>
      ${why === "" || why in TITLES ? nothing : html`<p class="no-verdict">${reason(why)}</p>`}
      ${summary ? html`<div class="prose summary">${markedText(summary, 2, this.figures, items)}</div>` : nothing}
      <div class="parts">
        ${list("Why", key_points.slice(0, SHOWN), items)} ${list("Risks", risks, items)}
        ${part("What would change this", would_change, items)} ${part("Horizon", horizon, items)}
      </div>
      ${this.#rest(items)}
    </section>`;
  }

  #confidence(): Optional {
    const { confidence, verdict } = this.complete;
    if (verdict === "no_verdict") return nothing;
    if (confidence === null) return html`<p class="confidence quiet">Confidence: not given</p>`;
    return html`<div class="confidence">
      <label for="confidence">Moderator's confidence <strong>${percent(confidence)}</strong></label>
      <progress class="progress" id="confidence" max="1" value=${confidence}>${percent(confidence)}</progress>
    </div>`;
  }

  #rest(items: Items): Optional {
    const { consensus, dissent, key_points } = this.complete;
    const more = key_points.slice(SHOWN);
    if (!consensus && !dissent && more.length === 0) return nothing;
    return html`<details class="rest">
      <summary>Agreement and disagreement</summary>
      <div class="parts">${part("Agreement", consensus, items)} ${part("Disagreement", dissent, items)} ${list("More points", more, items)}</div>
    </details>`;
  }
}

/** The verdict in a few words. */
export function verdictTitle({ verdict, reason }: Complete): string {
  return (verdict === "no_verdict" ? TITLES[reason ?? ""] : undefined) ?? label(verdict);
}

function part(title: string, text: string, items: Items): Optional {
  return text ? html`<div><h3>${title}</h3><div class="prose">${markedText(text, 3, [], items)}</div></div>` : nothing;
}

function list(title: string, points: readonly string[], items: Items): Optional {
  if (points.length === 0) return nothing;
  return html`<div>
    <h3>${title}</h3>
    <ul class="prose">${points.map((point) => html`<li>${markedText(point, 3, [], items)}</li>`)}</ul>
  </div>`;
}
