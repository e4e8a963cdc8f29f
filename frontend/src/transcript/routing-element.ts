// <outcry-routing>: which team answers, why, and a button for each other one, which asks it instead.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Link, Team } from "../client/page-data.ts";
import type { State } from "../protocol/state.ts";
import { percent } from "../shared/format.ts";
import { post } from "../shared/http.ts";
import { PageElement } from "../shared/page-element.ts";

type Routing = NonNullable<State["routing"]>;

@customElement("outcry-routing")
export class RoutingElement extends PageElement {
  /** Null until the team is chosen. */
  @property({ attribute: false }) routing!: Routing | null;
  /** The team that is expected until then. */
  @property({ attribute: false }) panel!: string;
  @property({ attribute: false }) teams!: readonly Team[];
  /** The address that starts the question again, or null for people who may not. */
  @property({ attribute: false }) url!: string | null;

  @state() isBusy = false;
  @state() problem: string | null = null;

  protected override render(): TemplateResult {
    if (this.routing === null) return this.#ahead();
    const { panel, by, reason, confidence } = this.routing;
    const team = this.teams.find(({ slug }) => slug === panel)?.title ?? panel;
    const sure = confidence === null ? nothing : html` <span class="quiet">${percent(Number(confidence))} sure</span>`;
    return html`<div class="routing" data-testid="routing" data-panel=${panel} data-by=${by}>
      <p><strong>${team}</strong> <span dir="auto">${reason}</span>${sure}</p>
      ${this.#others(panel)}
      <p class="problem" role="alert" data-testid="routing-problem">${this.problem}</p>
    </div>`;
  }

  /** Wraps like the line that follows, so that nothing moves then. */
  #ahead(): TemplateResult {
    return html`<div class="routing">
      <p>Choosing the team that fits the question</p>
      <div class="ahead">${this.#others(this.panel)}</div>
    </div>`;
  }

  #others(panel: string): TemplateResult[] | typeof nothing {
    return this.url === null ? nothing : this.teams.filter(({ slug }) => slug !== panel).map((other) => this.#button(other));
  }

  #button({ slug, title }: Team): TemplateResult {
    return html`<button
      type="button"
      class="btn btn-outline btn-xs"
      data-testid="ask-team"
      aria-busy=${this.isBusy ? "true" : "false"}
      aria-disabled=${this.isBusy ? "true" : "false"}
      @click=${(click: Event) => this.#ask(slug, click)}
    >
      Ask the ${title.toLowerCase()} instead
    </button>`;
  }

  async #ask(panel: string, cause: Event): Promise<void> {
    if (this.isBusy || this.url === null) return;
    this.isBusy = true;
    const outcome = await post<Link>(this.url, { panel }, { cause });
    // Nothing can be pressed until the new page is there.
    if (outcome.problem === null) return location.assign(outcome.body.url);
    this.isBusy = false;
    this.problem = outcome.problem;
  }
}
