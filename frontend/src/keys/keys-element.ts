// <outcry-keys>: a person's API keys: the list, the form for another, and a new one while it is shown.

import { LitElement, type TemplateResult, html, nothing } from "lit";
import type { KeyFormElement } from "./key-form-element.ts";
import "./key-form-element.ts";
import { KeysApi, type Refused, type Wish } from "./keys-api.ts";
import { type ApiKey, type KeysPage, type NewKey, day, dayAndTime, hasExpired } from "./keys-data.ts";
import "./new-key-element.ts";

type Question = { readonly id: string; readonly what: "revoke" | "rotate" };

const ASKED: Readonly<Record<Question["what"], { readonly sentence: string; readonly yes: string }>> = {
  revoke: { sentence: "Programs that use this key are cut off.", yes: "Revoke it" },
  rotate: { sentence: "The key as it is now stops working. You get a new one.", yes: "Replace it" },
};

export class KeysElement extends LitElement {
  #page!: KeysPage;
  #api!: KeysApi;
  #keys: readonly ApiKey[] = [];
  #made: NewKey | null = null;
  #asked: Question | null = null;
  #refused: Refused | null = null;
  #problem: { readonly id: string; readonly sentence: string } | null = null;
  #said = "";
  #busy = false;

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    if (!this.hasUpdated) {
      this.#page = JSON.parse(document.getElementById(this.dataset["from"] ?? "")?.textContent ?? "null");
      this.#api = new KeysApi(this.#page);
      this.#keys = this.#page.keys;
      this.replaceChildren(); // what stood here for those without scripts
    }
    super.connectedCallback();
  }

  protected override render(): TemplateResult {
    return html`${this.#made === null
        ? nothing
        : html`<outcry-new-key .made=${this.#made} @done=${this.#done}></outcry-new-key>`}
      <section aria-labelledby="keys-title">
        <h2 id="keys-title" tabindex="-1">Your keys</h2>
        ${this.#keys.length === 0
          ? html`<p class="quiet" data-testid="no-keys">You have none yet.</p>`
          : html`<ul class="key-list">
              ${this.#keys.map((key) => this.#row(key))}
            </ul>`}
      </section>
      <outcry-key-form
        .page=${this.#page}
        .refused=${this.#refused}
        .busy=${this.#busy}
        @wish=${this.#create}
      ></outcry-key-form>
      <p class="sr-only" role="status" data-testid="keys-said">${this.#said}</p>`;
  }

  #row(key: ApiKey): TemplateResult {
    const expired = hasExpired(key, Date.now());
    return html`<li class="card key-row" data-testid="key-row" data-id=${key.id}>
      <h3>${key.name}</h3>
      <p class="quiet"><code>${key.prefix}…</code></p>
      <p class="scopes">
        ${expired ? html`<span class="tag tag-expired">expired</span>` : nothing}
        ${key.scopes.map((scope) => html`<span class="tag">${scope}</span>`)}
      </p>
      <dl>
        <div><dt>Made</dt><dd><time datetime=${key.created_at}>${day(key.created_at)}</time></dd></div>
        <div>
          <dt>Last used</dt>
          <dd data-testid="key-last-used">
            ${key.last_used_at === null ? "never" : html`<time datetime=${key.last_used_at}>${dayAndTime(key.last_used_at)}</time>`}
          </dd>
        </div>
        <div>
          <dt>${expired ? "Expired" : "Expires"}</dt>
          <dd>${key.expires_at === null ? "never" : html`<time datetime=${key.expires_at}>${day(key.expires_at)}</time>`}</dd>
        </div>
      </dl>
      ${this.#problem?.id === key.id ? html`<p class="field-error" role="alert">${this.#problem.sentence}</p>` : nothing}
      ${this.#asked?.id === key.id ? this.#question(key, this.#asked) : this.#actions(key, expired)}
    </li>`;
  }

  #actions(key: ApiKey, expired: boolean): TemplateResult {
    const ask = (what: Question["what"]) => (): void => this.#ask({ id: key.id, what });
    return html`<p class="actions">
      ${expired
        ? nothing
        : html`<button type="button" class="btn btn-outline btn-sm" data-testid="key-rotate" aria-label="Replace ${key.name}" @click=${ask("rotate")}>
            Replace
          </button>`}
      <button type="button" class="btn btn-outline btn-sm" data-testid="key-revoke" aria-label="Revoke ${key.name}" @click=${ask("revoke")}>
        Revoke
      </button>
    </p>`;
  }

  #question(key: ApiKey, { what }: Question): TemplateResult {
    const { sentence, yes } = ASKED[what];
    return html`<div class="confirm" role="group" aria-label="${yes}: ${key.name}">
      <p>${sentence}</p>
      <p class="actions">
        <button type="button" class="btn btn-sm btn-error" data-testid="key-yes" ?disabled=${this.#busy} @click=${() => this.#answer(key, what)}>
          ${yes}
        </button>
        <button type="button" class="btn btn-ghost btn-sm" data-testid="key-no" @click=${() => this.#ask(null, key.id)}>Keep it</button>
      </p>
    </div>`;
  }

  /** Put the question, or take it back; the keyboard stays with it. */
  #ask(question: Question | null, back = ""): void {
    this.#asked = question;
    this.#problem = null;
    const place = question ? "[data-testid=key-yes]" : `[data-id="${back}"] [data-testid=key-revoke]`;
    void this.#changed().then(() => this.querySelector<HTMLElement>(place)?.focus());
  }

  async #answer(key: ApiKey, what: Question["what"]): Promise<void> {
    if (this.#busy) return;
    await this.#work();
    const answer = await (what === "revoke" ? this.#api.revoke(key) : this.#api.rotate(key));
    this.#asked = null;
    if (answer === null) {
      this.#keys = this.#keys.filter(({ id }) => id !== key.id);
      if (this.#made?.id === key.id) this.#made = null;
      this.#said = `Revoked: ${key.name}.`;
    } else if ("key" in answer) {
      this.#made = answer;
      this.#keys = this.#keys.map((other) => (other.id === key.id ? listed(answer) : other));
    } else this.#problem = { id: key.id, sentence: answer.message };
    this.#busy = false;
    await this.#changed();
    if (answer === null) this.querySelector<HTMLElement>("#keys-title")?.focus();
  }

  #create = async ({ detail }: CustomEvent<Wish>): Promise<void> => {
    await this.#work();
    const answer = await this.#api.create(detail);
    if ("key" in answer) {
      this.#made = answer;
      this.#keys = [listed(answer), ...this.#keys];
      this.querySelector<KeyFormElement>("outcry-key-form")?.clear();
    } else this.#refused = answer;
    this.#busy = false;
    await this.#changed();
  };

  #done = (): void => {
    this.#made = null;
    void this.#changed().then(() => this.querySelector<HTMLElement>("#keys-title")?.focus());
  };

  #work(): Promise<boolean> {
    this.#busy = true;
    this.#refused = null;
    this.#problem = null;
    this.#said = "";
    return this.#changed();
  }

  #changed(): Promise<boolean> {
    this.requestUpdate();
    return this.updateComplete;
  }
}

/** Without the key itself, which is kept no longer than it is shown. */
function listed({ key: _, ...rest }: NewKey): ApiKey {
  return rest;
}

customElements.define("outcry-keys", KeysElement);
