// <outcry-broadcast>: a form for an announcement to everyone who is connected.

import { LitElement, type TemplateResult, html, nothing } from "lit";
import type { MonitorPage } from "./data.ts";
import { post } from "../shared/http.ts";
import { characterCount, thousands } from "../shared/format.ts";

export class BroadcastElement extends LitElement {
  static override properties = { page: { attribute: false } };

  declare page: MonitorPage;

  #sending = false;
  #problem: string | null = null;
  #sent: string | null = null;

  protected override createRenderRoot(): this {
    return this;
  }

  protected override render(): TemplateResult {
    return html`<form class="broadcast" data-testid="broadcast" novalidate @submit=${this.#submit}>
      <div class="field">
        <label for="broadcast-text">Announcement to everyone who is connected</label>
        <textarea
          id="broadcast-text"
          class="textarea"
          rows="3"
          data-testid="broadcast-text"
          aria-describedby="broadcast-hint broadcast-problem"
          aria-invalid=${this.#problem === null ? "false" : "true"}
        ></textarea>
        <p class="help" id="broadcast-hint">
          It stands at the top of every open debate, of every process, at once. At most ${thousands(this.page.maxNotice)}
          characters.
        </p>
        <p class="field-error" id="broadcast-problem" role="alert">${this.#problem ?? nothing}</p>
      </div>
      <button class="btn btn-primary" data-testid="broadcast-send" ?disabled=${this.#sending}>
        ${this.#sending ? "Sending" : "Send announcement"}
      </button>
      <p class="quiet" role="status" data-testid="broadcast-sent">${this.#sent ?? nothing}</p>
    </form>`;
  }

  #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const field = this.querySelector("textarea");
    if (field === null || this.#sending) return;
    const text = field.value.trim();
    this.#sent = null;
    this.#problem = this.#validate(text);
    if (this.#problem === null) {
      this.#sending = true;
      this.requestUpdate();
      const answer = await post(this.page.broadcastUrl, this.page.csrfToken, { text });
      this.#sending = false;
      if (answer.ok) {
        const time = new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
        this.#sent = `Sent at ${time}.`;
        field.value = "";
      } else this.#problem = answer.problem;
    }
    this.requestUpdate();
    if (this.#problem !== null) field.focus();
  };

  #validate(text: string): string | null {
    if (text === "") return "Write something first.";
    const over = characterCount(text) - this.page.maxNotice;
    return over > 0 ? `This is ${thousands(over)} characters too long.` : null;
  }
}

customElements.define("outcry-broadcast", BroadcastElement);
