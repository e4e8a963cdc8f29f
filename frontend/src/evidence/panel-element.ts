// <outcry-evidence-panel>: the record of a debate: its chart, what is missing, and all items by metric.

import "../styles/evidence.css";
import "./chart-element.ts";
import { type TemplateResult, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Item, Snapshot } from "../protocol/events.gen.ts";
import type { State } from "../protocol/state.ts";
import { PageElement } from "../shared/page-element.ts";
import { missingLines } from "./missing.ts";
import { type Said, citations, isOtherRecord } from "./record.ts";
import { dayName, itemAmount, metricName, periodName } from "./values.ts";

type Cited = ReadonlyMap<string, readonly Said[]>;

/** Beside the transcript there is room for it; above it, it is folded. */
const OPENS = innerWidth >= 1280;

@customElement("outcry-evidence-panel")
export class EvidencePanelElement extends PageElement {
  @property({ attribute: false, hasChanged: isOtherRecord }) debate!: State;
  /** Where the prices of the chart are, or null. */
  @property({ attribute: false }) pricesUrl!: string | null;

  protected override render(): TemplateResult | typeof nothing {
    const { snapshot, evidence } = this.debate;
    if (snapshot === null) return nothing;
    const cited = citations(this.debate);
    return html`<details class="evidence-panel" ?open=${OPENS} data-testid="evidence-panel">
      <summary><h2>Evidence</h2> <span class="quiet">${counts(evidence.length, snapshot)}</span></summary>
      <p class="about">${about(snapshot)}</p>
      ${this.pricesUrl === null ? nothing : this.#chart(this.pricesUrl, snapshot, cited)} ${missingTemplate(snapshot)}
      ${itemsTemplate(evidence, cited)}
    </details>`;
  }

  #chart(url: string, snapshot: Snapshot, cited: Cited): TemplateResult {
    const { evidence } = this.debate;
    return html`<outcry-evidence-chart
      .url=${url}
      .snapshot=${snapshot}
      .evidence=${evidence}
      .cited=${evidence.filter(({ id }) => cited.has(id))}
    ></outcry-evidence-chart>`;
  }
}

function counts(known: number, { items: frozen, missing }: Snapshot): string {
  // Results of tools follow the frozen ones, which may still be on their way.
  const items = Math.max(known, frozen);
  const figures = `${items} ${items === 1 ? "figure" : "figures"}`;
  return missing.length === 0 ? figures : `${figures}, ${missing.length} missing`;
}

function about({ instrument, items, as_of }: Snapshot): string {
  const what = instrument === null ? (items === 0 ? "Results of tools" : "From your sources") : [instrument.name, instrument.symbol, instrument.exchange].filter(Boolean).join(" · ");
  return `${what}. Nothing in it was known after ${dayName(as_of)}.`;
}

function missingTemplate({ missing }: Snapshot): TemplateResult | typeof nothing {
  if (missing.length === 0) return nothing;
  return html`<section class="missing" aria-labelledby="missing-title" data-testid="evidence-missing">
    <h3 id="missing-title">Missing</h3>
    <ul>${missingLines(missing).map((line) => html`<li>${line}</li>`)}</ul>
  </section>`;
}

function itemsTemplate(evidence: readonly Item[], cited: Cited): TemplateResult {
  const metrics = new Map<string, Item[]>();
  for (const item of evidence) metrics.set(item.metric, [...(metrics.get(item.metric) ?? []), item]);
  return html`<details class="items" data-testid="evidence-items">
    <summary>All figures, by metric</summary>
    ${[...metrics].map(
      ([metric, items]) => html`<h3>${metricName(metric)}</h3>
        <ul>${items.map((item) => itemRow(item, cited.get(item.id)?.length ?? 0))}</ul>`,
    )}
  </details>`;
}

function itemRow(item: Item, citations: number): TemplateResult {
  const { id, subject, period } = item;
  const cited = citations === 0 ? "" : citations === 1 ? " · cited" : ` · cited ${citations}×`;
  return html`<li>
    <button type="button" data-evidence=${id} aria-haspopup="dialog">
      <span class="id">${id}</span>
      <span class="what" dir="auto">${subject} <span class="quiet">${periodName(period)}${cited}</span></span>
      <span class="value">${itemAmount(item)}</span>
    </button>
  </li>`;
}
