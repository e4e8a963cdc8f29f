// <outcry-after>: what can be done with a debate that has ended. Each starts a new debate with its input, and opens it.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import "./message-form.ts";
import type { Said, Sent } from "./message-form.ts";
import { post } from "../shared/http.ts";
import { PageElement } from "../shared/page-element.ts";

/** What the new debate has other than this one. */
type Changes = { readonly topic?: string; readonly rounds?: number; readonly follows?: boolean };

type Start = "again" | "round" | "follow-up";

@customElement("outcry-after")
export class AfterElement extends PageElement {
  /** The address that starts a debate with the same input. */
  @property({ attribute: false }) url!: string;
  /** The start form, filled in. */
  @property({ attribute: false }) editUrl!: string;
  /** Whether there is something that another debate could follow. */
  @property({ attribute: false }) canFollow!: boolean;
  /** Characters of a question, at most. */
  @property({ attribute: false }) limit!: number;

  @state() busy: Start | null = null;
  @state() problem: string | null = null;
  @state() asks = false;

  protected override render(): TemplateResult {
    return html`<div class="after" data-testid="after" role="group" aria-label="After the debate">
      <p class="ended">This debate has ended.</p>
      <div class="choices">
        ${this.#button("again", "Run again", {}, "btn-primary")}
        ${this.canFollow ? this.#followUps() : nothing}
        <a class="btn btn-outline btn-sm" href=${this.editUrl} data-testid="edit-and-run">Edit and run</a>
      </div>
      ${this.asks ? this.#question() : nothing}
      <p class="problem" role="alert" data-testid="after-problem">${this.asks ? nothing : this.problem}</p>
    </div>`;
  }

  #followUps(): TemplateResult {
    return html`<button
        type="button"
        class="btn btn-outline btn-sm"
        data-testid="ask-follow-up"
        aria-expanded=${this.asks ? "true" : "false"}
        @click=${this.#toggle}
      >
        Ask a follow-up
      </button>
      ${this.#button("round", "One more round", { rounds: 1, follows: true }, "btn-outline")}`;
  }

  #button(start: Start, label: string, changes: Changes, look: string): TemplateResult {
    const isBusy = this.busy === start;
    return html`<button
      type="button"
      class="btn btn-sm ${look}"
      data-testid=${`run-${start}`}
      aria-busy=${isBusy ? "true" : "false"}
      aria-disabled=${this.busy === null ? "false" : "true"}
      @click=${(click: Event) => this.#start(start, changes, click)}
    >
      ${isBusy ? "Starting" : label}
    </button>`;
  }

  #question(): TemplateResult {
    const state = this.busy === "follow-up" ? "pending" : "failed";
    return html`<outcry-message-form
      .name=${"follow-up"}
      .label=${"Your next question"}
      .verb=${"Ask"}
      .limit=${this.limit}
      .attempt=${{ state, problem: this.problem, command: { type: "input", text: null } } satisfies Sent}
      .note=${() => "A new debate, whose analysts know this one."}
      @submitted=${({ detail }: CustomEvent<Said>) => this.#start("follow-up", { topic: detail.text, follows: true })}
    ></outcry-message-form>`;
  }

  #toggle = async (): Promise<void> => {
    this.asks = !this.asks;
    this.problem = null;
    if (!this.asks) return;
    await this.updateComplete;
    const form = this.querySelector<PageElement>("outcry-message-form");
    await form?.updateComplete;
    form?.querySelector("textarea")?.focus();
  };

  async #start(start: Start, changes: Changes, cause?: Event): Promise<void> {
    if (this.busy !== null) return;
    this.busy = start;
    this.problem = null;
    const outcome = await post<{ url: string }>(this.url, changes, cause === undefined ? {} : { cause });
    this.problem = outcome.problem;
    // Nothing can be pressed until the new page is there: a second press would start a second debate.
    if (outcome.problem === null) location.assign(outcome.body.url);
    else this.busy = null;
  }
}
