// <outcry-after>: what can be done with a debate that has ended. Each starts a new debate with its input, and opens it.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import "./message-form.ts";
import type { Said, Sent } from "./message-form.ts";
import { keepText } from "./unsent.ts";
import type { Link } from "../client/page-data.ts";
import { type Busy, busyTemplate, runningOf, stopOne } from "../shared/busy.ts";
import { type Estimate, leftText, priceText } from "../shared/estimate.ts";
import { post } from "../shared/http.ts";
import { PageElement } from "../shared/page-element.ts";

/** What the new debate has other than this one. */
type Changes = { readonly topic?: string; readonly rounds?: number; readonly follows?: boolean; readonly when_busy?: "queue" };

type Start = "again" | "round" | "follow-up";

/** A start that was refused because too many debates run. */
type Full = { readonly busy: Busy; readonly start: Start; readonly changes: Changes };

const ROUND: Changes = { rounds: 1, follows: true };

@customElement("outcry-after")
export class AfterElement extends PageElement {
  /** The address that starts a debate with the same input. */
  @property({ attribute: false }) url!: string;
  /** The start form, filled in. */
  @property({ attribute: false }) editUrl!: string;
  /** Whether it was a debate, which ends with a verdict. */
  @property({ attribute: false }) isJudged = true;
  /** Whether the debate failed. Its error then offers to run it again. */
  @property({ attribute: false }) hasFailed = false;
  /** Whether there is something that another debate could follow. */
  @property({ attribute: false }) canFollow!: boolean;
  /** Characters of a question, at most. */
  @property({ attribute: false }) limit!: number;

  @state() busy: Start | null = null;
  @state() problem: string | null = null;
  @state() asks = false;
  @state() full: Full | null = null;
  @state() estimates: ReadonlyMap<Start, Estimate> = new Map();

  protected override entered(): void {
    if (this.canFollow && this.isJudged) void this.#estimate("round", ROUND);
  }

  protected override render(): TemplateResult {
    // Where nothing was said, the same input would most likely end the same way.
    const [again, edited] = this.canFollow ? ["btn-primary", "btn-outline"] : ["btn-outline", "btn-primary"];
    return html`<div class="after" data-testid="after" role="group" aria-label="After the debate">
      <p class="ended">${this.isJudged ? "This debate has ended." : "This question was answered."}</p>
      <div class="choices">
        ${this.hasFailed ? nothing : this.#button("again", "Run again", {}, again)}
        ${this.canFollow ? this.#followUps() : nothing}
        ${this.hasFailed ? nothing : html`<a class="btn btn-sm ${edited}" href=${this.editUrl} data-testid="edit-and-run">Edit and run</a>`}
      </div>
      ${this.canFollow && this.isJudged ? html`<p class="price" data-testid="round-estimate">${this.#price("round") && `One more round · ${this.#price("round")}`}</p>` : nothing}
      ${this.asks ? this.#question() : nothing}
      ${this.full === null ? nothing : this.#waiting(this.full)}
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
      ${this.isJudged ? this.#button("round", "One more round", ROUND, "btn-outline") : nothing}`;
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
      .note=${() => this.#noteOnFollowUp}
      @submitted=${({ detail }: CustomEvent<Said>) => this.#start("follow-up", { topic: detail.text, follows: true })}
    ></outcry-message-form>`;
  }

  get #noteOnFollowUp(): string {
    return ["A new debate, whose analysts know this one.", this.#price("follow-up")].filter((part) => part !== "").join(" ");
  }

  #toggle = async (): Promise<void> => {
    this.asks = !this.asks;
    this.problem = null;
    this.full = null;
    if (!this.asks) return;
    void this.#estimate("follow-up", { follows: true });
    await this.updateComplete;
    const form = this.querySelector<PageElement>("outcry-message-form");
    await form?.updateComplete;
    form?.querySelector("textarea")?.focus();
  };

  async #start(start: Start, changes: Changes, cause?: Event): Promise<void> {
    if (this.busy !== null) return;
    this.busy = start;
    this.problem = null;
    this.full = null;
    const outcome = await post<Link>(this.url, changes, cause === undefined ? {} : { cause });
    if (outcome.problem === null) {
      if (start === "follow-up") keepText("follow-up", "");
      if (changes.follows) this.dispatchEvent(new CustomEvent<Link>("followed", { detail: outcome.body }));
      // Nothing can be pressed until the new page is there: a second press would start a second debate.
      return location.assign(outcome.body.url);
    }
    this.busy = null;
    const running = runningOf(outcome);
    if (running === null) this.problem = outcome.problem;
    else await this.#offerToWait({ problem: outcome.problem, running, stopping: new Set() }, start, changes);
  }

  /** As many debates run as may run at once. */
  async #offerToWait(busy: Busy, start: Start, changes: Changes): Promise<void> {
    this.full = { busy, start, changes };
    await this.updateComplete;
    this.querySelector<HTMLElement>("[data-testid=start-when-free]")?.focus();
  }

  #waiting({ busy, start, changes }: Full): TemplateResult {
    const queue = (): void => void this.#start(start, { ...changes, when_busy: "queue" });
    const stop = (id: string): void =>
      void stopOne(id, (change) => {
        this.full &&= { ...this.full, busy: change(this.full.busy) };
      });
    return busyTemplate(busy, queue, stop);
  }

  /** Fetches what a start would cost, once. An estimate that fails is not shown: the start reports problems. */
  async #estimate(start: Start, changes: Changes): Promise<void> {
    if (this.estimates.has(start)) return;
    const outcome = await post<Estimate>(`${this.url}/estimate`, changes);
    if (outcome.problem === null) this.estimates = new Map([...this.estimates, [start, outcome.body]]);
  }

  /** What a start would cost, and what is left of today's limits; empty until it is known. */
  #price(start: Start): string {
    const estimate = this.estimates.get(start);
    return estimate === undefined ? "" : [priceText(estimate), leftText(estimate)].filter((part) => part !== "").join(". ");
  }
}
