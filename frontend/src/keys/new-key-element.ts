// <outcry-new-key>: a key that has just been made, to copy before it is gone. Sends "done" when it may go.

import { LitElement, type TemplateResult, html } from "lit";
import type { NewKey } from "./keys-data.ts";

export class NewKeyElement extends LitElement {
  static override properties = { made: { attribute: false } };

  declare made: NewKey;

  #copied = false;

  protected override createRenderRoot(): this {
    return this;
  }

  protected override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has("made")) this.#copied = false;
  }

  protected override render(): TemplateResult {
    return html`<section class="card new-key" aria-labelledby="new-key-title" data-testid="new-key">
      <h2 id="new-key-title" tabindex="-1">Copy your key now</h2>
      <p>This is the key for “${this.made.name}”. It is shown this once; whoever has it can act in your name.</p>
      <div class="copy">
        <textarea
          class="textarea"
          readonly
          rows="1"
          spellcheck="false"
          aria-label="The new key"
          .value=${this.made.key}
          data-testid="new-key-text"
        ></textarea>
        <button type="button" class="btn btn-primary" data-testid="new-key-copy" @click=${this.#copy}>
          ${this.#copied ? "Copied" : "Copy"}
        </button>
      </div>
      <p class="help">Send it with each request as <code>Authorization: Bearer</code> and the key. Keep it out of addresses and files that others read.</p>
      <button type="button" class="btn btn-outline btn-sm" data-testid="new-key-done" @click=${this.#done}>I have it</button>
      <p class="sr-only" role="status">${this.#copied ? "Copied." : ""}</p>
    </section>`;
  }

  protected override updated(changed: Map<string, unknown>): void {
    if (!changed.has("made")) return;
    // What a person has to see now, wherever they were on the page.
    this.querySelector<HTMLElement>("h2")?.focus();
  }

  #copy = async (): Promise<void> => {
    const field = this.querySelector("textarea")!;
    try {
      await navigator.clipboard.writeText(this.made.key);
      this.#copied = true;
    } catch {
      // Without https there is no clipboard to write to; a person still has the one of their own.
      field.focus();
      field.select();
      this.#copied = document.execCommand("copy");
    }
    this.requestUpdate();
  };

  #done = (): void => {
    this.dispatchEvent(new CustomEvent("done"));
  };
}

customElements.define("outcry-new-key", NewKeyElement);
