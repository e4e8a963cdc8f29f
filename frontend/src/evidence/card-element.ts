// <outcry-evidence-card>: what the record has on a figure or an item, beside the place that asks for it; on a narrow
// window at the end of it.

import "../styles/evidence.css";
import { type TemplateResult, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { CheckedFigure, Item } from "../protocol/events.gen.ts";
import type { State } from "../protocol/state.ts";
import { PageElement } from "../shared/page-element.ts";
import { label } from "../shared/format.ts";
import { labelled } from "./labels.ts";
import { type Items, type Said, citations, expectedAmount, itemsOf } from "./record.ts";
import { dayName, exactly, itemAmount, metricName, periodName } from "./values.ts";

/** What is asked for: a figure that was said, or an item of the record. */
export type Subject = { readonly figure: CheckedFigure } | { readonly item: string };

const GAP = 8;
/** Figures listed that cite an item. */
const MAX_CITING = 6;

const QUALITY: Readonly<Record<string, string>> = {
  stale: "Stale: newer data was not available.",
  restated: "Restated since: not the value as it was first published.",
  estimate: "An estimate.",
  user: "From your sources: the record repeats what they say.",
};

@customElement("outcry-evidence-card")
export class EvidenceCardElement extends PageElement {
  @property({ attribute: false }) debate!: State;
  @state() private subject: Subject | null = null;

  #asker: HTMLElement | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.popover = "auto";
    this.role = "dialog";
    this.ariaLabel = "Evidence";
    this.tabIndex = -1;
    this.autofocus = true;
    this.dataset["testid"] = "evidence-card";
  }

  protected override entered(signal: AbortSignal): void {
    this.addEventListener("toggle", (event) => event.newState === "closed" && this.#returnFocus(), { signal });
  }

  /** Opens beside `asker`, which gets the focus back. */
  async show(subject: Subject, asker: HTMLElement): Promise<void> {
    this.#close();
    this.subject = subject;
    this.#asker = asker;
    await this.updateComplete;
    this.showPopover();
    this.#place(asker.getBoundingClientRect());
    this.focus({ preventScroll: true });
  }

  #close = (): void => {
    if (this.matches(":popover-open")) this.hidePopover();
  };

  /** Below the asker, or above it if there is more room. */
  #place(asker: DOMRect): void {
    const { width, height } = this.getBoundingClientRect();
    const left = Math.max(GAP, Math.min(asker.left, document.documentElement.clientWidth - width - GAP));
    const isBelow = asker.bottom + GAP + height <= innerHeight || asker.top < height + GAP;
    const top = isBelow ? asker.bottom + GAP : asker.top - GAP - height;
    this.style.setProperty("--left", `${left + scrollX}px`);
    this.style.setProperty("--top", `${Math.max(GAP, top) + scrollY}px`);
  }

  /** To what asked, or to its message if it was drawn again meanwhile. */
  #returnFocus(): void {
    const active = document.activeElement;
    if (active !== null && active !== document.body && !this.contains(active)) return;
    const message = this.#asker?.closest<HTMLElement>("[tabindex]");
    (this.#asker?.isConnected ? this.#asker : message)?.focus({ preventScroll: true });
  }

  protected override render(): TemplateResult | typeof nothing {
    if (this.subject === null) return nothing;
    const items = itemsOf(this.debate.evidence);
    const content = "figure" in this.subject ? figureTemplate(this.subject.figure, items) : this.#item(items.get(this.subject.item));
    return html`<button type="button" class="close" aria-label="Close" @click=${this.#close}>✕</button>${content}`;
  }

  #item(item: Item | undefined): TemplateResult | typeof nothing {
    if (item === undefined) return nothing;
    return html`${itemTemplate(item)} ${this.#citing(citations(this.debate).get(item.id) ?? [])}`;
  }

  #citing(said: readonly Said[]): TemplateResult {
    if (said.length === 0) return html`<p class="quiet">No figure rests on it.</p>`;
    const more = said.length - MAX_CITING;
    return html`<h3>${said.length === 1 ? "1 figure rests" : `${said.length} figures rest`} on it</h3>
      <ul class="citing">
        ${said.slice(0, MAX_CITING).map(
          ({ message, figure }) => html`<li data-label=${figure.label}>
            <a href="#m-${message.id}" @click=${this.#close}>
              <span aria-hidden="true">${labelled(figure.label).symbol}</span>
              <span><bdi>${figure.text}</bdi> <span class="quiet">${message.agent}, round ${message.round}; ${labelled(figure.label).one}</span></span>
            </a>
          </li>`,
        )}
      </ul>
      ${more > 0 ? html`<p class="quiet">and ${more} more</p>` : nothing}`;
  }
}

function figureTemplate(figure: CheckedFigure, items: Items): TemplateResult {
  const { symbol, one } = labelled(figure.label);
  const expected = expectedAmount(figure, items);
  const cited = figure.evidence.map((id) => items.get(id)).filter((item) => item !== undefined);
  return html`<p class="claim" data-label=${figure.label}>
      <span aria-hidden="true">${symbol}</span> <span><bdi>${figure.text}</bdi> ${one}${expected === null ? nothing : html`: the record has <strong>${expected}</strong>`}</span>
    </p>
    ${figure.formula === null ? nothing : html`<p class="formula"><code>${figure.formula}</code></p>`}
    ${cited.map(itemTemplate)}`;
}

function itemTemplate(item: Item): TemplateResult {
  const { id, subject, metric, period, value, unit, currency, quality } = item;
  const exact = `${exactly(value)}${unit === "percent" ? " %" : currency ? ` ${currency}` : ""}`;
  return html`<section class="item" aria-label=${`${id}: ${subject} ${metricName(metric)}`}>
    <header>
      <p class="kicker">${id} · ${subject} · ${metricName(metric)}</p>
      <p class="value">${itemAmount(item)}</p>
    </header>
    ${QUALITY[quality] === undefined ? nothing : html`<p class="quality">${QUALITY[quality]}</p>`}
    <dl>
      ${fact("Period", periodName(period))} ${fact("Exact value", exact)} ${fact("Definition", label(item.definition))}
      ${fact("Known since", item.known_at === null ? "" : dayName(item.known_at))} ${fact("Source", item.source)}
      ${fact("Place", item.locator)} ${fact("Licence", label(item.licence))}
    </dl>
    ${item.label === "" ? nothing : html`<blockquote dir="auto">${item.label}</blockquote>`}
  </section>`;
}

function fact(name: string, text: string): TemplateResult | typeof nothing {
  return text === "" ? nothing : html`<div><dt>${name}</dt><dd dir="auto">${text}</dd></div>`;
}
