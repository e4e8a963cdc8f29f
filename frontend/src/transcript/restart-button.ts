// <outcry-restart-button>: starts a new debate with the input of this one, and goes there.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { post } from "../shared/http.ts";
import { PageElement } from "../shared/page-element.ts";

@customElement("outcry-restart-button")
export class RestartButtonElement extends PageElement {
  @property({ attribute: false }) url!: string;
  @state() busy = false;
  @state() problem: string | null = null;

  protected override render(): TemplateResult {
    return html`<button
        type="button"
        class="btn btn-primary btn-sm"
        data-testid="start-again"
        aria-busy=${this.busy ? "true" : "false"}
        ?disabled=${this.busy}
        @click=${this.#start}
      >
        ${this.busy ? "Starting" : "Retry"}
      </button>
      ${this.problem === null ? nothing : html`<p class="problem" role="alert" data-testid="again-problem">${this.problem}</p>`}`;
  }

  #start = async (click: Event): Promise<void> => {
    this.busy = true;
    this.problem = null;
    const outcome = await post<{ url: string }>(this.url, {}, { cause: click });
    this.problem = outcome.problem;
    // The button stays disabled until the new page loads.
    if (outcome.problem === null) location.assign(outcome.body.url);
    else this.busy = false;
  };
}
