// <outcry-say>: a field in which a person says something. What is in it stays until it is known to have arrived.

import { LitElement, type TemplateResult, html, nothing } from "lit";
import type { Attempt } from "../client/commands.ts";
import { count, length } from "../shared/format.ts";

const NEAR_THE_LIMIT = 500;
const APPLE = /Mac|iPhone|iPad/.test(navigator.userAgent);

export class SayElement extends LitElement {
  static override properties = {
    name: { attribute: false },
    label: { attribute: false },
    verb: { attribute: false },
    limit: { attribute: false },
    attempt: { attribute: false },
    closed: { attribute: false },
  };

  /** What tells this field from the others of the page. */
  declare name: string;
  declare label: string;
  /** The word on the button. */
  declare verb: string;
  /** Characters at most, as the server counts them. */
  declare limit: number;
  /** What became of the last try. */
  declare attempt: Attempt | undefined;
  /** Why nothing can be said here, or null. */
  declare closed: string | null;

  #text = "";

  protected override createRenderRoot(): this {
    return this;
  }

  protected override willUpdate(changed: Map<string, unknown>): void {
    const { attempt } = this;
    if (!changed.has("attempt") || attempt?.state !== "done" || attempt.command.type !== "input") return;
    // It arrived. What was written since is something else.
    if (attempt.command.text === this.#text.trim()) this.#write("");
  }

  protected override render(): TemplateResult {
    const { name, label, verb, limit, attempt, closed } = this;
    const sending = attempt?.state === "pending";
    const left = limit - length(this.#text);
    const problem = left < 0 ? `This is ${count(-left)} too long; ${count(limit)} characters at most.` : attempt?.problem;
    return html`<form class="say" data-testid=${name} novalidate @submit=${this.#submit}>
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
        @input=${this.#typed}
        @keydown=${this.#key}
      ></textarea>
      <div class="below" ?hidden=${closed !== null}>
        <p class="hint" id="${name}-hint">
          ${left <= NEAR_THE_LIMIT ? html`<span ?data-over=${left < 0}>${count(left)} left</span>` : html`<span class="keys"><kbd>${APPLE ? "⌘" : "Ctrl"}</kbd> <kbd>Enter</kbd> sends</span>`}
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

  #typed = ({ target }: Event): void => {
    this.#text = (target as HTMLTextAreaElement).value;
    this.requestUpdate();
  };

  #key = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.isComposing || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.#submit(event);
  };

  #submit = (event: Event): void => {
    event.preventDefault();
    const text = this.#text.trim();
    if (text === "" || length(text) > this.limit || this.closed !== null || this.attempt?.state === "pending") return;
    this.dispatchEvent(new CustomEvent<string>("say", { detail: text }));
  };

  #write(text: string): void {
    this.#text = text;
    const field = this.querySelector("textarea");
    if (field) field.value = text;
  }
}

customElements.define("outcry-say", SayElement);
