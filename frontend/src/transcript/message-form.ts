// <outcry-message-form>: a field for a text to the panel. The text stays in it until the server has confirmed it. Sends
// a "submitted" event whose detail is the text.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { live } from "lit/directives/live.js";
import type { Attempt } from "../client/commands.ts";
import { characterCount, thousands } from "../shared/format.ts";
import { PageElement } from "../shared/page-element.ts";

const NEAR_THE_LIMIT = 500;
const APPLE = /Mac|iPhone|iPad/.test(navigator.userAgent);

@customElement("outcry-message-form")
export class MessageFormElement extends PageElement {
  /** Prefix of the ids in this form, unique on the page. */
  @property({ attribute: false }) name!: string;
  @property({ attribute: false }) label!: string;
  /** The button's label. */
  @property({ attribute: false }) verb!: string;
  /** Characters at most, as the server counts them. */
  @property({ attribute: false }) limit!: number;
  /** The last attempt to send. */
  @property({ attribute: false }) attempt!: Attempt | undefined;
  /** Why the form is closed, or null. */
  @property({ attribute: false }) closed!: string | null;

  @state() text = "";

  protected override willUpdate(changed: Map<string, unknown>): void {
    const { attempt } = this;
    if (!changed.has("attempt") || attempt?.state !== "done" || attempt.command.type !== "input") return;
    // Confirmed: clear the field, unless its text has been changed since.
    if (attempt.command.text === this.text.trim()) this.text = "";
  }

  protected override render(): TemplateResult {
    const { name, label, verb, limit, attempt, closed } = this;
    const sending = attempt?.state === "pending";
    const left = limit - characterCount(this.text);
    const problem = left < 0 ? `This is ${thousands(-left)} too long; ${thousands(limit)} characters at most.` : attempt?.problem;
    return html`<form class="message-form" data-testid=${name} novalidate @submit=${this.#submit}>
      <label for="${name}-text">${label}</label>
      <textarea
        id="${name}-text"
        class="textarea"
        data-testid="${name}-text"
        rows=${closed === null ? 2 : 1}
        placeholder=${closed ?? ""}
        aria-describedby="${name}-hint ${name}-problem"
        aria-invalid=${problem == null ? "false" : "true"}
        ?disabled=${closed !== null}
        ?readonly=${sending}
        .value=${live(this.text)}
        @input=${this.#input}
        @keydown=${this.#keydown}
      ></textarea>
      <div class="below" ?hidden=${closed !== null}>
        <p class="hint" id="${name}-hint">
          ${left <= NEAR_THE_LIMIT ? html`<span ?data-over=${left < 0}>${thousands(left)} left</span>` : html`<span class="keys"><kbd>${APPLE ? "⌘" : "Ctrl"}</kbd> <kbd>Enter</kbd> sends</span>`}
        </p>
        <button
          type="submit"
          class="btn btn-primary btn-sm"
          data-testid="${name}-send"
          aria-busy=${sending ? "true" : "false"}
          ?disabled=${sending || left < 0 || left === limit}
        >
          ${sending ? "Sending" : verb}
        </button>
      </div>
      <p class="problem" role="alert" id="${name}-problem" data-testid="${name}-problem">${problem ?? nothing}</p>
    </form>`;
  }

  #input = ({ target }: Event): void => {
    this.text = (target as HTMLTextAreaElement).value;
  };

  #keydown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.isComposing || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.#submit(event);
  };

  #submit = (event: Event): void => {
    event.preventDefault();
    const text = this.text.trim();
    if (text === "" || characterCount(text) > this.limit || this.closed !== null || this.attempt?.state === "pending") return;
    this.dispatchEvent(new CustomEvent<string>("submitted", { detail: text }));
  };
}
