// <outcry-broadcast>: a form for an announcement to everyone who is connected.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { type MonitorPage, textProblem } from "./data.ts";
import { post } from "../shared/http.ts";
import { clock, thousands } from "../shared/format.ts";
import { PageElement } from "../shared/page-element.ts";

@customElement("outcry-broadcast")
export class BroadcastElement extends PageElement {
  @property({ attribute: false }) page!: MonitorPage;

  @state() isSending = false;
  @state() problem: string | null = null;
  @state() sent: string | null = null;

  protected override render(): TemplateResult {
    return html`<form class="broadcast" data-testid="broadcast" novalidate @submit=${this.#submit}>
      <div class="field">
        <label for="broadcast-text">Message to everyone connected</label>
        <textarea
          id="broadcast-text"
          class="textarea"
          rows="3"
          data-testid="broadcast-text"
          aria-describedby="broadcast-hint broadcast-problem"
          aria-invalid=${this.problem === null ? "false" : "true"}
        ></textarea>
        <p class="help" id="broadcast-hint">
          Shown at the top of every open debate. At most ${thousands(this.page.maxNotice)} characters.
        </p>
        <p class="field-error" id="broadcast-problem" role="alert">${this.problem ?? nothing}</p>
      </div>
      <button class="btn btn-primary" data-testid="broadcast-send" ?disabled=${this.isSending}>
        ${this.isSending ? "Sending" : "Send"}
      </button>
      <p class="quiet" role="status" data-testid="broadcast-sent">${this.sent ?? nothing}</p>
    </form>`;
  }

  #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const field = this.querySelector("textarea");
    if (field === null || this.isSending) return;
    const text = field.value.trim();
    this.sent = null;
    this.problem = textProblem(text, this.page.maxNotice, "Enter a message.");
    if (this.problem === null) {
      this.isSending = true;
      ({ problem: this.problem } = await post(this.page.broadcastUrl, { text }));
      this.isSending = false;
    }
    if (this.problem === null) {
      const time = clock(new Date());
      this.sent = `Sent at ${time}.`;
      field.value = "";
    } else field.focus();
  };
}
