// <outcry-key-form>: what a new API key is to be. Asks with a "wish" event, whose detail is a Wish.

import { LitElement, type TemplateResult, html, nothing } from "lit";
import type { Refused, Wish } from "./keys-api.ts";
import { type KeysPage, LIFETIMES, USUAL_DAYS, expiry } from "./keys-data.ts";
import { characterCount } from "../shared/format.ts";

export class KeyFormElement extends LitElement {
  static override properties = {
    page: { attribute: false },
    refused: { attribute: false },
    busy: { attribute: false },
  };

  declare page: KeysPage;
  /** What the server says against the last wish. */
  declare refused: Refused | null;
  declare busy: boolean;

  #own: Readonly<Record<string, string>> = {};

  protected override createRenderRoot(): this {
    return this;
  }

  protected override render(): TemplateResult {
    const fields = { ...this.refused?.fields, ...this.#own };
    const known = ["name", "scopes", "expires_at"].some((field) => fields[field] !== undefined);
    return html`<form class="card key-form" novalidate data-testid="key-form" @submit=${this.#submit}>
      <h2>Make a key</h2>
      <p class="alert alert-error" role="alert" ?hidden=${this.refused === null || known}>${this.refused?.message}</p>
      <div class="field" ?data-invalid=${fields["name"] !== undefined}>
        <label for="key-name">Name</label>
        <input
          id="key-name"
          class="input"
          autocomplete="off"
          placeholder="My notebook"
          aria-describedby="key-name-problem"
          aria-invalid=${fields["name"] === undefined ? "false" : "true"}
          data-testid="key-name"
        />
        <p class="field-error" id="key-name-problem">${fields["name"] ?? nothing}</p>
      </div>
      <fieldset class="field" aria-describedby="key-scopes-problem">
        <legend>What it may do</legend>
        ${this.page.scopes.map(
          ({ scope, label }) => html`<label class="check">
            <input
              type="checkbox"
              class="checkbox checkbox-sm"
              name="scope"
              value=${scope}
              ?checked=${scope === "watch"}
              data-testid="key-scope-${scope}"
            />
            <span>${label} <code class="quiet">${scope}</code></span>
          </label>`,
        )}
        <p class="field-error" id="key-scopes-problem">${fields["scopes"] ?? nothing}</p>
      </fieldset>
      <div class="field" ?data-invalid=${fields["expires_at"] !== undefined}>
        <label for="key-expiry">Expires</label>
        <select id="key-expiry" class="select" aria-describedby="key-expiry-problem" data-testid="key-expiry">
          ${LIFETIMES.map(
            ({ days, label }) => html`<option value=${days ?? ""} ?selected=${days === USUAL_DAYS}>${label}</option>`,
          )}
        </select>
        <p class="field-error" id="key-expiry-problem">${fields["expires_at"] ?? nothing}</p>
      </div>
      <button class="btn btn-primary" ?disabled=${this.busy} data-testid="key-create">Make the key</button>
    </form>`;
  }

  /** Empty again, for the next one. */
  clear(): void {
    this.#name.value = "";
  }

  get #name(): HTMLInputElement {
    return this.querySelector<HTMLInputElement>("#key-name")!;
  }

  #submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (this.busy) return;
    const checked = this.querySelectorAll<HTMLInputElement>("[name=scope]:checked");
    const days = this.querySelector<HTMLSelectElement>("#key-expiry")!.value;
    const wish: Wish = {
      name: this.#name.value.trim(),
      scopes: [...checked].map(({ value }) => value),
      expires_at: expiry(days === "" ? null : Number(days), Date.now()),
    };
    this.#own = this.#wrong(wish);
    this.refused = null;
    this.requestUpdate();
    if (Object.keys(this.#own).length === 0) this.dispatchEvent(new CustomEvent("wish", { detail: wish }));
    else (this.#own["name"] === undefined ? this.querySelector<HTMLElement>("[name=scope]") : this.#name)?.focus();
  };

  #wrong({ name, scopes }: Wish): Record<string, string> {
    const wrong: Record<string, string> = {};
    const over = characterCount(name) - this.page.maxName;
    if (name === "") wrong["name"] = "Give it a name, to know it by.";
    else if (over > 0) wrong["name"] = `This is too long; use at most ${this.page.maxName} characters.`;
    if (scopes.length === 0) wrong["scopes"] = "Choose at least one.";
    return wrong;
  }
}

customElements.define("outcry-key-form", KeyFormElement);
