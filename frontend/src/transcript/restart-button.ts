// <outcry-restart-button>: starts a new debate with the input of this one, and goes there.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { UNREACHABLE, refusal, send } from "../shared/http.ts";
import { PageElement } from "../shared/page-element.ts";

@customElement("outcry-restart-button")
export class RestartButtonElement extends PageElement {
  @property({ attribute: false }) url!: string;
  @property({ attribute: false }) csrfToken!: string;
  @state() busy = false;
  @state() problem: string | null = null;

  /** Opens another page. */
  go: (address: string) => void = (address) => location.assign(address);

  protected override render(): TemplateResult {
    return html`<button
        type="button"
        class="btn btn-primary btn-sm"
        data-testid="start-again"
        aria-busy=${this.busy ? "true" : "false"}
        ?disabled=${this.busy}
        @click=${this.#start}
      >
        ${this.busy ? "Starting" : "Try again with a live model"}
      </button>
      ${this.problem === null ? nothing : html`<p class="problem" role="alert" data-testid="again-problem">${this.problem}</p>`}`;
  }

  #start = async (click: Event): Promise<void> => {
    this.busy = true;
    this.problem = null;
    try {
      const response = await send(this.url, this.csrfToken, {}, click);
      if (response.status === 201) {
        const { url }: { url: string } = await response.json();
        this.go(url);
        return; // the button stays disabled until the new page loads
      }
      this.problem = await refusal(response);
    } catch {
      this.problem = UNREACHABLE;
    }
    this.busy = false;
  };
}
