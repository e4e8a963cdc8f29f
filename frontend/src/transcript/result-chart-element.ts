// <outcry-result-chart>: a result as lines over dates, or as bars over names. Its table says the same in words. The chart
// is loaded once it comes into view.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ResultTable } from "../protocol/events.gen.ts";
import { wholeResult } from "./whole-result.ts";
import { label, thousands } from "../shared/format.ts";
import { LazyPart, whenSeen } from "../shared/lazy.ts";
import { PageElement } from "../shared/page-element.ts";

@customElement("outcry-result-chart")
export class ResultChartElement extends PageElement {
  @property({ attribute: false }) table!: ResultTable;
  /** The id of the whole result, if the table has only its beginning. */
  @property({ attribute: false }) text!: string | null;

  #drawing = new LazyPart(this, "The chart", () => Promise.all([import("./result-chart.ts"), wholeResult(this.table, this.text)]));

  protected override entered(signal: AbortSignal): void {
    whenSeen(this, signal, () => void this.#draw(signal));
  }

  async #draw(signal: AbortSignal): Promise<void> {
    const [{ drawResult }, whole] = await this.#drawing.load();
    const place = this.querySelector<HTMLElement>(".chart");
    if (place !== null && !signal.aborted) drawResult(place, whole, signal);
  }

  protected override render(): TemplateResult | typeof nothing {
    const { chart, columns, total } = this.table;
    if (chart === null) return nothing;
    const names = chart.y.map((place) => label(columns[place] ?? ""));
    const what = `${names.join(", ")} by ${label(columns[chart.x] ?? "").toLowerCase()}: ${thousands(total ?? 0)} rows, as in the table`;
    return html`<figure>
      <div class="chart" role="img" aria-label=${what} data-testid="result-chart"></div>
      ${this.#drawing.problem}
      <figcaption>
        ${names.map((name, index) => html`<span class="series" data-series=${index}>${name}</span>`)}
        <span>
          Chart by
          <a href="https://www.tradingview.com/" target="_blank" rel="noopener noreferrer">TradingView Lightweight Charts™</a>
        </span>
      </figcaption>
    </figure>`;
  }
}
