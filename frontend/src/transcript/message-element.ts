// <outcry-message>: one message of an agent, with the questions that it asked at the place where it asked them. It is drawn
// again only when the message has changed.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import { actionsTemplate } from "./message-actions.ts";
import "./prose-element.ts";
import { toolCallsTemplate } from "./tool-calls.ts";
import { figureStrip } from "../evidence/figure-strip.ts";
import { itemsOf } from "../evidence/record.ts";
import type { Item } from "../protocol/events.gen.ts";
import { type Message, type Tool, firstCodePoints } from "../protocol/state.ts";
import { charge, clock, initial, isByRules, modelLabel, money, percent, seconds, thousands } from "../shared/format.ts";
import { PageElement } from "../shared/page-element.ts";

const HELD = { paused: "Paused here.", awaiting_input: "Waiting for an answer.", stale: "Waiting for the connection." } as const;

export type Held = keyof typeof HELD;

/** A question that the agent asked after so many code points of its text, and what answers it. */
export type Asked = { readonly offset: number; readonly card: TemplateResult };

export const NOTHING_ASKED: readonly Asked[] = [];

@customElement("outcry-message")
export class MessageElement extends PageElement {
  @property({ attribute: false }) message!: Message;
  /** Index of the speaker's colour. */
  @property({ attribute: false }) color!: number;
  /** What the speaker stands for; it may be empty. */
  @property({ attribute: false }) standsFor = "";
  /** ISO 8601. */
  @property({ attribute: false }) startedAt!: string;
  @property({ attribute: false, hasChanged: differs }) tools!: readonly Tool[];
  /** Whether the verdict on the same page has the same text. */
  @property({ attribute: false }) isInVerdict!: boolean;
  /** Whether the message is a judgement of a debate. */
  @property({ attribute: false }) isJudgement = false;
  /** Whether the debate is over. */
  @property({ attribute: false }) isOver!: boolean;
  /** Whether the header names the model, because several models speak. */
  @property({ attribute: false }) showsModel!: boolean;
  /** Why the message does not go on: the debate is paused or waits for an answer, or nothing arrives. */
  @property({ attribute: false }) held!: Held | null;
  /** In the order of their offsets. */
  @property({ attribute: false }) asked: readonly Asked[] = NOTHING_ASKED;

  /** The items of the debate's record. */
  @property({ attribute: false }) evidence: readonly Item[] = [];

  protected override render(): TemplateResult {
    const { agent, round, mode, kind, id } = this.message;
    const model = html`<span class="model" data-testid="message-model">${modelLabel(this.message)}</span>`;
    const name = html`<h3 class="name" dir="auto" id="name-${id}">${agent}</h3>`;
    return html`
      <header>
        <span class="avatar-letter" aria-hidden="true">${initial(agent)}</span>
        <div>
          ${name}
          <p class="facts">
            ${this.standsFor === "" ? nothing : html`<span dir="auto">${this.standsFor}</span>`}
            ${kind === "analysis" ? html`<span>Round ${round}</span>` : nothing}
            <time datetime=${this.startedAt}>${clock(this.startedAt)}</time>
            ${this.showsModel && !isByRules(this.message) ? model : nothing}
            ${mode === "demo" ? html`<span class="tag tag-demo" data-testid="demo-badge">Demo: scripted</span>` : nothing}
          </p>
        </div>
      </header>
      ${this.#body()}
    `;
  }

  #body(): TemplateResult {
    const { text } = this.message;
    const isSpeaking = this.#state === "speaking";
    const isMoving = isSpeaking && this.held === null;
    return html`<div class="body">
      ${this.isInVerdict ? html`<p><a class="link" href="#verdict">See the verdict</a></p>` : nothing}
      ${this.#texts(isMoving)}
      ${isMoving && text === "" ? this.#waiting() : nothing} ${this.#calls()}
      ${isSpeaking && this.held !== null && this.asked.length === 0 ? html`<p class="quiet">${HELD[this.held]}</p>` : nothing}
      ${cutNote(this.message.finish_reason) ?? nothing}
      ${this.#state === "cut" ? html`<p class="quiet">${text === "" ? "No answer." : "Stopped mid-answer."}</p>` : nothing}
      ${figureStrip(this.message.figures, itemsOf(this.evidence))} ${isSpeaking ? nothing : this.#footer()}
    </div>`;
  }

  /** The calls with their tables, which tokens do not draw again. */
  #calls(): unknown {
    return guard([...this.tools], () => toolCallsTemplate(this.tools, this.message.provider === "local"));
  }

  /** The text, with each question between what was said before and after it. */
  #texts(isMoving: boolean): TemplateResult[] {
    const { text } = this.message;
    let begin = 0;
    let points = 0;
    const before = this.asked.map(({ offset, card }) => {
      const end = Math.max(begin, firstCodePoints(text, offset).length);
      const said = html`${this.#prose(text.slice(begin, end), points, false)}${card}`;
      begin = end;
      points = Math.max(points, offset);
      return said;
    });
    return [...before, this.#prose(text.slice(begin), points, isMoving)];
  }

  /** A part of the text, which begins after `points` code points of it. */
  #prose(text: string, points: number, isMoving: boolean): TemplateResult {
    return html`<outcry-prose
      class="prose"
      ?hidden=${this.isInVerdict || text === ""}
      ?data-speaking=${isMoving && text !== ""}
      .text=${text}
      .isGrowing=${isMoving || this.#state === "speaking"}
      .figures=${this.message.figures}
      .begin=${points}
      .evidence=${this.evidence}
    ></outcry-prose>`;
  }

  get #state(): Message["state"] | "cut" {
    const { state, finish_reason } = this.message;
    // A cancelled message keeps its text. A message that no process ended is over when the debate is.
    const cut = state === "speaking" ? this.isOver : state === "done" && finish_reason === "cancelled";
    return cut ? "cut" : state;
  }

  #waiting(): TemplateResult {
    const what = this.isJudgement ? "is weighing the debate" : this.tools.length > 0 ? "is working on it" : "is thinking";
    return html`<p class="waiting"><i></i><i></i><i></i><span>${this.message.agent} ${what}</span></p>`;
  }

  #footer(): TemplateResult {
    const { cost, usage, confidence, duration_ms, state } = this.message;
    if (isByRules(this.message)) return html`<footer class="facts"><span>Checked by rules, without a model</span>${actionsTemplate(this.message)}</footer>`;
    const facts = this.showsModel ? [] : [html`<span data-testid="message-model">${modelLabel(this.message)}</span>`];
    if (usage?.output_tokens != null) facts.push(html`<span>${thousands(usage.output_tokens)} output tokens</span>`);
    if (duration_ms !== null) facts.push(html`<span>${seconds(duration_ms)}</span>`);
    // One that is not known is only among the details of the run.
    if (state === "done" && cost !== null) facts.push(html`<span>${cost === 0 ? charge(cost) : `cost ${money(cost)}`}</span>`);
    if (confidence !== null) facts.push(html`<span>confidence ${percent(confidence)}</span>`);
    return html`<footer class="facts">${facts}${this.message.text === "" ? nothing : actionsTemplate(this.message)}</footer>`;
  }

  protected override willUpdate(): void {
    const { agent, role, kind, round, mode, id } = this.message;
    this.role = "article";
    this.setAttribute("aria-labelledby", `name-${id}`);
    const data = { message: id, agent, role, state: this.#state, kind, round, mode, color: this.color };
    Object.assign(this.dataset, data, { testid: "agent-message" });
    this.tabIndex = 0;
  }

  protected override async getUpdateComplete(): Promise<boolean> {
    const isComplete = await super.getUpdateComplete();
    await Promise.all(Array.from(this.querySelectorAll<PageElement>("outcry-prose"), (part) => part.updateComplete));
    return isComplete;
  }
}

const CUT: Readonly<Record<string, string>> = {
  length: "Cut off here, at the length limit.",
  content_filter: "Cut off here by the provider's safety rules.",
  refusal: "Broken off here: the model refused to go on.",
};

/** The note at the end of a message that was cut off. */
function cutNote(finishReason: string | null): TemplateResult | null {
  const note = CUT[finishReason ?? ""];
  return note === undefined ? null : html`<p class="cut" data-testid="cut-note">${note}</p>`;
}

/** Compares the items: a filtered list is a new array every time. */
function differs(next: readonly Tool[], before: readonly Tool[] | undefined): boolean {
  return next.length !== before?.length || next.some((tool, index) => tool !== before[index]);
}
