// <outcry-message-form>: a field for a text to the panel. The text stays in it, even if the page is loaded again, until
// the server has confirmed it. Sends a "submitted" event whose detail is what was said.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { live } from "lit/directives/live.js";
import type { Attempt } from "../client/commands.ts";
import { keepText, unsentText } from "./unsent.ts";
import { characterCount, thousands } from "../shared/format.ts";
import { isSend } from "../shared/keyboard.ts";
import { PageElement } from "../shared/page-element.ts";

const NEAR_THE_LIMIT = 200;

/** `to` is the role of the agent that is to answer; undefined for the next speaker. */
export type Said = { readonly text: string; readonly to: string | undefined };

export type Recipient = { readonly role: string; readonly name: string };

/** What the form needs of an attempt to send its text. */
export type Sent = Pick<Attempt, "state" | "problem" | "command">;

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
  @property({ attribute: false }) attempt!: Sent | undefined;
  /** Whether nothing more can be sent. A text that was not sent can be copied. */
  @property({ attribute: false }) closed = false;
  /** The agents that a text may be addressed to. */
  @property({ attribute: false }) recipients: readonly Recipient[] = [];
  /** What will become of a text, by the role that it is addressed to. */
  @property({ attribute: false }) note: (to: string | undefined) => string | null = () => null;
  /** A second button. */
  @property({ attribute: false }) second: TemplateResult | typeof nothing = nothing;

  @state() text = "";
  @state() to: string | undefined = undefined;
  /** Whether the text was an answer, whose question has closed. */
  @state() isLate = false;

  protected override entered(): void {
    if (this.text === "") this.text = unsentText(this.name);
  }

  /** Takes over an answer that was not sent before its question closed. */
  adopt(answer: string): void {
    this.isLate = true;
    this.#write([this.text.trim(), answer].filter((part) => part !== "").join("\n\n"));
  }

  #write(text: string): void {
    this.text = text;
    if (text === "") this.isLate = false;
    keepText(this.name, text);
  }

  protected override willUpdate(changed: Map<string, unknown>): void {
    const { attempt } = this;
    if (!changed.has("attempt") || attempt?.state !== "done" || attempt.command.type !== "input") return;
    // Confirmed: clear the field, unless its text has been changed since.
    if (attempt.command.text === this.text.trim()) this.#write("");
  }

  protected override render(): TemplateResult | typeof nothing {
    return this.closed ? this.#unsent() : this.#form();
  }

  #form(): TemplateResult {
    const { name, label, verb, limit, attempt } = this;
    const sending = this.#isSending;
    const left = limit - characterCount(this.text);
    const problem = left < 0 ? `This is ${thousands(-left)} too long; ${thousands(limit)} characters at most.` : attempt?.problem;
    return html`<form class="message-form" data-testid=${name} novalidate @submit=${this.#submit}>
      <div class="above">
        <label for="${name}-text">${label}</label>
        ${this.recipients.length === 0 ? nothing : this.#recipients()}
      </div>
      <textarea
        id="${name}-text"
        class="textarea"
        data-testid="${name}-text"
        rows="2"
        aria-describedby="${name}-hint ${name}-problem"
        aria-invalid=${problem == null ? "false" : "true"}
        ?readonly=${sending}
        enterkeyhint="send"
        .value=${live(this.text)}
        @input=${this.#input}
        @keydown=${this.#keydown}
      ></textarea>
      <div class="below">
        <p class="hint" id="${name}-hint" data-testid="${name}-hint">
          ${left <= NEAR_THE_LIMIT ? html`<span ?data-over=${left < 0}>${thousands(left)} left</span>` : (this.note(this.to) ?? html`<span class="keys"><kbd>Shift</kbd> <kbd>Enter</kbd> for a new line</span>`)}
        </p>
        ${this.second}
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
      <p class="waiting-note" role="status" data-testid="${name}-waiting">
        ${attempt?.state === "waiting" ? "Not sent yet. It will be sent when you are back online." : nothing}
        ${this.isLate && !sending ? "The question closed before you answered. You can send your text as a message." : nothing}
      </p>
      <p class="problem" role="alert" id="${name}-problem" data-testid="${name}-problem">${problem ?? nothing}</p>
    </form>`;
  }

  #recipients(): TemplateResult {
    const option = ({ role, name }: Recipient): TemplateResult =>
      html`<option value=${role} ?selected=${this.to === role}>${name}</option>`;
    return html`<label class="to">
      To
      <select class="select select-sm" data-testid="${this.name}-to" ?disabled=${this.#isSending} @change=${this.#address}>
        <option value="">Next speaker</option>
        ${this.recipients.map(option)}
      </select>
    </label>`;
  }

  #unsent(): TemplateResult | typeof nothing {
    const text = this.text.trim();
    if (text === "") return nothing;
    const id = `${this.name}-unsent`;
    return html`<div class="unsent" data-testid=${id}>
      <p>This was not sent: the debate ended before.</p>
      <blockquote id=${id} dir="auto">${text}</blockquote>
      <button type="button" class="btn btn-outline btn-sm" data-copy=${id}>Copy</button>
      <button type="button" class="btn btn-ghost btn-sm" @click=${() => this.#write("")}>Dismiss</button>
    </div>`;
  }

  get #isSending(): boolean {
    return this.attempt?.state === "pending" || this.attempt?.state === "waiting";
  }

  #address = ({ target }: Event): void => {
    this.to = (target as HTMLSelectElement).value || undefined;
  };

  #input = ({ target }: Event): void => {
    this.#write((target as HTMLTextAreaElement).value);
  };

  #keydown = (event: KeyboardEvent): void => {
    if (!isSend(event)) return;
    event.preventDefault();
    this.#submit(event);
  };

  #submit = (event: Event): void => {
    event.preventDefault();
    const text = this.text.trim();
    if (text === "" || characterCount(text) > this.limit || this.#isSending) return;
    this.dispatchEvent(new CustomEvent<Said>("submitted", { detail: { text, to: this.to } }));
  };
}
