// <outcry-evidence-card>: what the record has on a figure or an item, beside the place that asks for it; on a narrow
// window at the end of it.

import "../styles/evidence.css";
import { type TemplateResult, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Source } from "../client/page-data.ts";
import type { CheckedFigure, Item } from "../protocol/events.gen.ts";
import type { State } from "../protocol/state.ts";
import { PageElement } from "../shared/page-element.ts";
import { label } from "../shared/format.ts";
import { labelled } from "./labels.ts";
import { type Passage, passageIn, sourcesOf } from "./passage.ts";
import { type Items, type Said, citations, expectedAmount, isOtherRecord, itemsOf } from "./record.ts";
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
  @property({ attribute: false, hasChanged: isOtherRecord }) debate!: State;
  /** The texts that the debate is about. */
  @property({ attribute: false }) sources: readonly Source[] = [];
  @state() private subject: Subject | null = null;
  /** The place in a source that is shown instead of the subject; "missing" if it was not found. */
  @state() private passage: Passage | "missing" | null = null;

  #asker: HTMLElement | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.popover = "auto";
    this.role = "dialog";
    this.ariaLabel = "Evidence";
    this.tabIndex = -1;
    this.dataset["testid"] = "evidence-card";
  }

  protected override entered(signal: AbortSignal): void {
    this.addEventListener("toggle", (event) => event.newState === "closed" && this.#returnFocus(), { signal });
  }

  /** Opens beside `asker`, which gets the focus back. */
  async show(subject: Subject, asker: HTMLElement): Promise<void> {
    this.#close();
    this.subject = subject;
    this.passage = null;
    this.#asker = asker;
    await this.updateComplete;
    this.style.removeProperty("--room");
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
    const [above, below] = [asker.top - 2 * GAP, innerHeight - asker.bottom - 2 * GAP];
    const isBelow = height <= below || above <= below;
    const top = isBelow ? asker.bottom + GAP : asker.top - GAP - Math.min(height, above);
    this.style.setProperty("--left", `${left + scrollX}px`);
    this.style.setProperty("--top", `${top + scrollY}px`);
    this.style.setProperty("--room", `${isBelow ? below : above}px`);
  }

  async #showSource(item: Item): Promise<void> {
    this.passage = (await passageIn(sourcesOf(item, this.sources), item)) ?? "missing";
    await this.updateComplete;
    this.querySelector("mark")?.scrollIntoView({ block: "center" });
    this.focus({ preventScroll: true });
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
    const close = html`<button type="button" class="close" aria-label="Close" @click=${this.#close}>✕</button>`;
    return html`${close}${this.passage === null ? this.#subject(this.subject) : this.#passage(this.passage)}`;
  }

  #subject(subject: Subject): TemplateResult | typeof nothing {
    const items = itemsOf(this.debate.evidence);
    if ("figure" in subject) {
      const cited = subject.figure.evidence.map((id) => items.get(id)).filter((item) => item !== undefined);
      return html`${claimTemplate(subject.figure, items)} ${cited.map((item) => this.#item(item))}`;
    }
    const item = items.get(subject.item);
    if (item === undefined) return nothing;
    return html`${this.#item(item)} ${this.#citing(citations(this.debate).get(item.id) ?? [])}`;
  }

  #item(item: Item): TemplateResult {
    const isInSource = sourcesOf(item, this.sources).length > 0;
    const show = html`<button type="button" class="btn btn-outline btn-sm" data-testid="show-source" @click=${() => this.#showSource(item)}>
      Show in source
    </button>`;
    return html`${itemTemplate(item)}${isInSource ? show : nothing}`;
  }

  #passage(passage: Passage | "missing"): TemplateResult {
    const back = html`<button type="button" class="link back" @click=${() => (this.passage = null)}>Back</button>`;
    if (passage === "missing") return html`${back}<p>The sentence could not be found in the source.</p>`;
    const { name, before, sentence, after, url } = passage;
    return html`${back}
      <p class="kicker" dir="auto">${name}</p>
      <div class="passage" tabindex="0" dir="auto" data-testid="passage">${before}<mark>${sentence}</mark>${after}</div>
      ${url === "" ? nothing : html`<p><a class="link" href=${url} target="_blank">Open the whole text</a></p>`}`;
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
              <span><bdi>${figure.text}</bdi> <span class="quiet">${message.agent}, ${message.kind === "final" ? "verdict" : `round ${message.round}`}; ${labelled(figure.label).one}</span></span>
            </a>
          </li>`,
        )}
      </ul>
      ${more > 0 ? html`<p class="quiet">and ${more} more</p>` : nothing}`;
  }
}

function claimTemplate(figure: CheckedFigure, items: Items): TemplateResult {
  const { symbol, one } = labelled(figure.label);
  const expected = expectedAmount(figure, items);
  return html`<p class="claim" data-label=${figure.label}>
      <span aria-hidden="true">${symbol}</span> <span><bdi>${figure.text}</bdi> ${one}${expected === null ? nothing : html`: the record has <strong>${expected}</strong>`}</span>
    </p>
    ${figure.formula === null ? nothing : html`<p class="formula"><code>${figure.formula}</code></p>`}`;
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
