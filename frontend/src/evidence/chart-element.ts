// <outcry-evidence-chart>: the instrument's prices with the cited points, and the same as a table. The chart is loaded
// once it comes into view; without it, the table is there.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Item, Snapshot } from "../protocol/events.gen.ts";
import { request } from "../shared/http.ts";
import { LazyPart, whenSeen } from "../shared/lazy.ts";
import { PageElement } from "../shared/page-element.ts";
import { type Mark, type Point, type Prices, marksOn, monthly } from "./prices.ts";
import { amount, dayName, metricName } from "./values.ts";

@customElement("outcry-evidence-chart")
export class EvidenceChartElement extends PageElement {
  @property({ attribute: false }) url!: string;
  @property({ attribute: false }) snapshot!: Snapshot;
  @property({ attribute: false }) evidence!: readonly Item[];
  /** The items that figures rest on. */
  @property({ attribute: false }) cited!: readonly Item[];
  @state() private prices: Prices | null = null;

  #drawing = new LazyPart(this, "The chart", () => import("./chart.ts"));
  #show: ((marks: readonly Mark[]) => void) | null = null;

  protected override entered(signal: AbortSignal): void {
    whenSeen(this, signal, () => void this.#load(signal));
  }

  async #load(signal: AbortSignal): Promise<void> {
    const answer = await request<Prices>("GET", this.url);
    // A record whose prices come from elsewhere must not stand beside those of the library.
    const isOfRecord = (source: string): boolean => this.evidence.some((item) => item.source === source && item.subject === this.snapshot.instrument?.symbol);
    if (answer.problem !== null || !isOfRecord(answer.body.source)) return;
    this.prices = answer.body;
    await this.updateComplete;
    const place = this.querySelector<HTMLElement>(".chart");
    const { drawChart } = await this.#drawing.load();
    if (place === null || signal.aborted) return;
    this.#show = drawChart(place, this.prices.points, this.#digits, signal);
    this.#show(this.#marks);
  }

  protected override updated(): void {
    this.#show?.(this.#marks);
  }

  get #marks(): readonly Mark[] {
    return this.prices === null ? [] : marksOn(this.prices, this.cited, this.snapshot);
  }

  get #digits(): number {
    return (this.prices?.points.at(-1)?.[1] ?? 0) < 10 ? 4 : 2;
  }

  protected override render(): TemplateResult | typeof nothing {
    if (this.prices === null) return nothing;
    const { points } = this.prices;
    const [first, last] = [points[0]?.[0] ?? "", points.at(-1)?.[0] ?? ""];
    const name = this.snapshot.instrument?.name ?? "";
    const marks = this.#marks;
    const cited = marks.length === 0 ? "" : ` Cited: ${marks.map(({ item, day }) => `${item.id}, ${dayName(day)}`).join("; ")}.`;
    return html`<figure>
      <div class="chart" role="img" aria-label=${`Price of ${name} from ${dayName(first)} to ${dayName(last)}.${cited}`} data-testid="evidence-chart"></div>
      ${this.#drawing.problem}
      <details class="as-table" data-testid="evidence-table">
        <summary>Prices as a table</summary>
        <div tabindex="0" role="group" aria-label="Prices">${this.#table(points, marks)}</div>
      </details>
      <figcaption>
        Adjusted for splits. Chart by
        <a href="https://www.tradingview.com/" target="_blank" rel="noopener noreferrer">TradingView Lightweight Charts™</a>
      </figcaption>
    </figure>`;
  }

  #table(points: readonly Point[], marks: readonly Mark[]): TemplateResult {
    const currency = this.snapshot.instrument?.currency ?? null;
    const row = (day: string, what: string, value: number | string): TemplateResult =>
      html`<tr><th scope="row">${dayName(day)}</th><td>${what}</td><td class="number">${amount(String(value), "currency", currency)}</td></tr>`;
    return html`<table>
      <thead><tr><th scope="col">Day</th><th scope="col">Point</th><th scope="col" class="number">Value</th></tr></thead>
      <tbody>
        ${marks.map(({ day, item }) => row(day, `${item.id}, ${metricName(item.metric).toLowerCase()}`, item.value))}
        ${monthly(points).map(([day, value]) => row(day, "Month's last", value))}
      </tbody>
    </table>`;
  }
}
