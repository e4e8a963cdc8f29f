// <outcry-broadcast>: a field for a word to everybody who is connected.

import { LitElement, type TemplateResult, html, nothing } from "lit";
import type { MonitorPage } from "./data.ts";
import { post } from "../shared/http.ts";
import { count, length } from "../shared/format.ts";

export class BroadcastElement extends LitElement {
  static override properties = { page: { attribute: false } };

  declare page: MonitorPage;

  #sending = false;
  #problem: string | null = null;
  #said: string | null = null;

  protected override createRenderRoot(): this {
    return this;
  }

  protected override render(): TemplateResult {
    return html`<form class="broadcast" data-testid="broadcast" novalidate @submit=${this.#submit}>
      <div class="field">
        <label for="broadcast-text">Say something to everybody who is connected</label>
        <textarea
          id="broadcast-text"
          class="textarea"
          rows="3"
          data-testid="broadcast-text"
          aria-describedby="broadcast-hint broadcast-problem"
          aria-invalid=${this.#problem === null ? "false" : "true"}
        ></textarea>
        <p class="help" id="broadcast-hint">
          It stands at the top of every open debate, of every process, at once. At most ${count(this.page.maxNotice)}
          characters.
        </p>
        <p class="field-error" id="broadcast-problem" role="alert">${this.#problem ?? nothing}</p>
      </div>
      <button class="btn btn-primary" data-testid="broadcast-send" ?disabled=${this.#sending}>
        ${this.#sending ? "Sending" : "Say it"}
      </button>
      <p class="quiet" role="status" data-testid="broadcast-said">${this.#said ?? nothing}</p>
    </form>`;
  }

  #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const field = this.querySelector("textarea");
    if (field === null || this.#sending) return;
    const text = field.value.trim();
    this.#said = null;
    this.#problem = this.#wrong(text);
    if (this.#problem === null) {
      this.#sending = true;
      this.requestUpdate();
      const answer = await post(this.page.broadcastUrl, this.page.csrfToken, { text });
      this.#sending = false;
      if (answer.ok) {
        this.#said = `Said at ${new Date().toLocaleTimeString("en-GB")}.`;
        field.value = "";
      } else this.#problem = answer.problem;
    }
    this.requestUpdate();
    if (this.#problem !== null) field.focus();
  };

  #wrong(text: string): string | null {
    if (text === "") return "Write something first.";
    const over = length(text) - this.page.maxNotice;
    return over > 0 ? `This is ${count(over)} characters too long.` : null;
  }
}

customElements.define("outcry-broadcast", BroadcastElement);
