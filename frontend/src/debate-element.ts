// <outcry-debate>: one debate, live. It connects, folds what comes, and draws at most once a frame.

import { LitElement, type TemplateResult, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import "./message-element.ts";
import "./verdict-element.ts";
import { announcement } from "./announce.ts";
import { type Page, boardTemplate } from "./board.ts";
import { Connection, type ConnectionState, type Ending } from "./connection.ts";
import type { Frame } from "./events.gen.ts";
import { round } from "./figures.ts";
import { fold } from "./fold.ts";
import { Follow } from "./follow.ts";
import { errorTemplate, fallbackTemplate, humanTemplate, localTemplate, requestTemplate } from "./notices.ts";
import { EMPTY, type LogEvent, type State, type Tool, isTerminal } from "./state.ts";
import { type Entry, NOTHING_YET, extend } from "./timeline.ts";

export class DebateElement extends LitElement {
  #page!: Page;
  #state: State = EMPTY;
  #timeline = NOTHING_YET;
  #connection: Connection | null = null;
  #connectionState: ConnectionState = "connecting";
  #ending: Ending | null = null;
  #notice: string | null = null;
  #announced = "";
  #toAnnounce: string[] = [];
  /** Events up to this one happened before this page looked; a voice is not told of them again. */
  #history = 0;
  /** What the server's clock is ahead of this one, in milliseconds. */
  #clockOffset = 0;
  #frame: (() => void) | null = null;
  #tick: ReturnType<typeof setInterval> | undefined;
  #follow: Follow | null = null;
  #wake = (): void => {
    if (!document.hidden) this.#connection?.wake();
  };

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    if (!this.hasUpdated) {
      const source = document.getElementById(this.dataset["from"] ?? "");
      this.#page = JSON.parse(source?.textContent ?? "null");
      this.replaceChildren(); // what stood here for those without scripts
    }
    super.connectedCallback();
    this.#reset();
    // A debate that is over is read from its beginning.
    this.#follow = new Follow(!isTerminal(this.#page.status), () => this.#draw());
    this.#follow.start();
    this.#tick = setInterval(() => this.#state.status && !this.#isOver() && this.requestUpdate(), 1000);
    addEventListener("online", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
    const url = new URL(this.#page.wsUrl, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.#connection = new Connection(url.href, {
      reset: () => this.#reset(),
      event: (event) => this.#take(event),
      aside: (frame) => this.#aside(frame),
      state: (state, ending) => this.#connected(state, ending),
    });
    this.#connection.start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#connection?.stop();
    this.#follow?.stop();
    clearInterval(this.#tick);
    removeEventListener("online", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
  }

  #reset(): void {
    this.#state = EMPTY;
    this.#timeline = NOTHING_YET;
    this.#draw();
  }

  #take(event: LogEvent): void {
    this.#state = fold([event], this.#state);
    this.#timeline = extend(this.#timeline, event);
    const sentence = event.seq > this.#history ? announcement(event, this.#state) : null;
    if (sentence !== null) this.#toAnnounce.push(sentence);
    this.#draw();
  }

  #aside(frame: Frame): void {
    if (frame.type === "hello") {
      this.#history = Math.max(this.#history, frame.data.head);
      this.#clockOffset = Date.parse(frame.at) - Date.now();
    } else if (frame.type === "notice") {
      this.#notice = frame.data.text;
    } else if (frame.type === "error") {
      this.#notice = frame.data.message;
    }
    this.#draw();
  }

  #connected(state: ConnectionState, ending: Ending | null): void {
    this.#connectionState = state;
    this.#ending = ending;
    this.#draw();
  }

  /** However much arrives, the page is drawn once a frame; in a hidden tab, which has none, once a second. */
  #draw(): void {
    if (this.#frame) return;
    const draw = (): void => {
      this.#frame?.();
      this.#frame = null;
      this.requestUpdate();
    };
    const frame = requestAnimationFrame(draw);
    const timer = setTimeout(draw, 1000);
    this.#frame = () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }

  #isOver(): boolean {
    return isTerminal(this.#state.status);
  }

  #mode(): Page["mode"] {
    return this.#state.mode ?? this.#page.mode;
  }

  protected override willUpdate(): void {
    if (this.#toAnnounce.length > 0) this.#announced = this.#toAnnounce.splice(0).join(" ");
    document.title = `${this.#mode() === "demo" ? "DEMO · " : ""}${this.#page.topic} · Outcry`;
  }

  protected override render(): TemplateResult {
    const speaking = this.#state.messages.some((message) => message.state === "speaking") && !this.#isOver();
    const local = this.#state.messages.find((message) => message.provider === "local");
    return html`
      <div class="debate" data-mode=${this.#mode()}>
        <header class="question">
          <p class="kicker">Question</p>
          <h1 class="topic" ?data-long=${this.#page.topic.length > 140}>${this.#page.topic}</h1>
          ${this.#material()}
        </header>
        ${boardTemplate(this.#page, this.#state, this.#timeline, {
          connection: this.#connectionState,
          now: Date.now() + this.#clockOffset,
        })}
        <div class="transcript">
          ${local ? localTemplate(local.model) : nothing} ${this.#endingNotice()}
          ${this.#notice ? html`<p class="alert" role="status" data-testid="notice">${this.#notice}</p>` : nothing}
          <div
            class="conversation"
            role="log"
            aria-live="off"
            aria-label="The debate"
            aria-busy=${speaking ? "true" : "false"}
            data-testid="conversation-display"
          >
            ${this.#timeline.entries.length === 0 ? this.#opening() : nothing}
            ${repeat(this.#timeline.entries, key, (entry, index) => this.#entry(entry, index))}
          </div>
          ${this.#cut()}
        </div>
      </div>
      <div class="afloat">
        <p class="lost" role="status" data-testid="connection-lost">
          ${this.#connectionState === "reconnecting" ? html`<span>Connection lost. Reconnecting</span>` : nothing}
        </p>
        <button
          type="button"
          class="btn btn-primary btn-sm"
          data-testid="jump-to-newest"
          ?hidden=${!this.#follow?.behind || (this.#isOver() && !this.#state.complete)}
          @click=${() => this.#follow?.toBottom()}
        >
          ${this.#state.complete ? "Jump to the verdict" : "Jump to the newest"}
        </button>
      </div>
      <p class="sr-only" aria-live="polite" data-testid="announcements">${this.#announced}</p>
    `;
  }

  #entry(entry: Entry, index: number): TemplateResult | typeof nothing {
    const state = this.#state;
    switch (entry.kind) {
      case "message": {
        const message = state.messages.find(({ id }) => id === entry.id);
        if (!message) return nothing;
        const tools: Tool[] = state.tools.filter((tool) => tool.message === entry.id);
        const elsewhere =
          message.kind === "final" && state.complete !== null && state.complete.summary === message.text;
        return html`${this.#roundMark(index)}<outcry-message
            .message=${message}
            .at=${entry.at}
            .tools=${tools}
            .elsewhere=${elsewhere}
            .cut=${message.state === "speaking" && this.#isOver()}
          ></outcry-message>`;
      }
      case "human":
        return humanTemplate(state.humans[entry.index]);
      case "request":
        return requestTemplate(state.requests[entry.index]);
      case "fallback":
        return fallbackTemplate(state.fallbacks[entry.index]);
      case "error":
        return errorTemplate(state.errors[entry.index], this.#page.againUrl);
      case "verdict":
        return state.complete ? html`<outcry-verdict .complete=${state.complete}></outcry-verdict>` : nothing;
    }
  }

  /** A line where a round begins. */
  #roundMark(index: number): TemplateResult | typeof nothing {
    const messages = this.#state.messages;
    const roundOf = (entry: Entry | undefined): number | string | undefined => {
      if (entry?.kind !== "message") return undefined;
      const message = messages.find(({ id }) => id === entry.id);
      return message?.kind === "final" ? "final" : message?.round;
    };
    const here = roundOf(this.#timeline.entries[index]);
    const before = this.#timeline.entries.slice(0, index).findLast((entry) => entry.kind === "message");
    if (here === roundOf(before)) return nothing;
    return html`<h2 class="round-mark"><span>${here === "final" ? "Judgement" : `Round ${here}`}</span></h2>`;
  }

  #opening(): TemplateResult {
    const { status, reason } = { ...this.#page, ...(this.#state.status ? this.#state : {}) };
    if (isTerminal(status)) return html`<p class="quiet opening">Nothing was said in this debate. ${reason}</p>`;
    return html`<p class="waiting opening"><i></i><i></i><i></i><span>The analysts are getting ready</span></p>`;
  }

  #material(): TemplateResult | typeof nothing {
    const { content, contentType } = this.#page;
    if (!content) return nothing;
    return html`<details class="material">
      <summary>${contentType}, ${[...content].length.toLocaleString("en")} characters</summary>
      <div tabindex="0">${content}</div>
    </details>`;
  }

  #endingNotice(): TemplateResult | typeof nothing {
    if (!this.#ending?.sentence) return nothing;
    return html`<p class="alert alert-warning" role="alert" data-testid="connection-ended">
      <span>
        ${this.#ending.sentence}
        ${this.#ending.signIn ? html`<a class="link" href=${this.#page.loginUrl}>Sign in to go on watching.</a>` : nothing}
      </span>
    </p>`;
  }

  /** The last line of a debate that did not reach its verdict. */
  #cut(): TemplateResult | typeof nothing {
    if (this.#state.status !== "cancelled") return nothing;
    return html`<p class="alert alert-warning">The debate was stopped in round ${round(this.#state)}.</p>`;
  }
}

customElements.define("outcry-debate", DebateElement);

function key(entry: Entry): string {
  return entry.kind === "message" ? entry.id : `${entry.kind} ${entry.index}`;
}
