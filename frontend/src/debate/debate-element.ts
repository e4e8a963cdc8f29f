// <outcry-debate>: one debate, live. It connects, folds what comes, and draws at most once a frame.

import { LitElement, type TemplateResult, html, nothing } from "lit";
import { Acks } from "../client/acks.ts";
import { announcement } from "./announcements.ts";
import { type Banner, bannersTemplate, withBanner } from "../transcript/banners.ts";
import { boardTemplate } from "../status/status-panel.ts";
import type { Ending } from "../protocol/close-codes.ts";
import { Commands } from "../client/commands.ts";
import { Connection, type ConnectionState } from "../client/connection.ts";
import { stopDialogTemplate } from "../status/controls.ts";
import type { Frame, Mode, StreamState } from "../protocol/events.gen.ts";
import { round } from "../status/usage.ts";
import { fold } from "../protocol/reducer.ts";
import { Follow } from "../attention/auto-scroll.ts";
import { demoTemplate, localTemplate } from "../transcript/notices.ts";
import { type Page, canAnswer } from "../client/page-data.ts";
import { post } from "../shared/http.ts";
import { Presence } from "../attention/page-visibility.ts";
import { Reader } from "../attention/read-position.ts";
import { EMPTY, type LogEvent, type State, isTerminal, seqBefore } from "../protocol/state.ts";
import { browser } from "../client/platform.ts";
import { NOTHING_YET, extend } from "../protocol/timeline.ts";
import { transcriptTemplate } from "../transcript/transcript.ts";
import { watermarkTemplate } from "./ai-label.ts";

type Optional = TemplateResult | typeof nothing;

export class DebateElement extends LitElement {
  #page!: Page;
  #state: State = EMPTY;
  #timeline = NOTHING_YET;
  #connection!: Connection;
  #connectionState: ConnectionState = "connecting";
  #stream: StreamState = "streaming";
  #ending: Ending | null = null;
  #banners: readonly Banner[] = [];
  #announced = "";
  #toAnnounce: string[] = [];
  /** What had happened when this page last connected: a voice is not told of it again. */
  #history = 0;
  /** What the server's clock is ahead of this one, in milliseconds. */
  #clockOffset = 0;
  /** When something last came over the line, by the wall clock, and after how long a silence it is lost. */
  #heardAt = Date.now();
  #patience = 0;
  #frame: (() => void) | null = null;
  #tick: ReturnType<typeof setInterval> | undefined;
  #follow!: Follow;
  #reader!: Reader;
  #commands!: Commands;
  #acks!: Acks;
  #drawn = 0;
  #painting = false;
  #presence = new Presence({
    changed: () => this.#looked(),
    doubt: () => this.#connection.wake(),
    revived: () => this.#connection.renew(),
  });

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
    this.#reader = new Reader(this.#follow);
    this.#tick = setInterval(() => this.#state.status && !this.#isOver() && this.requestUpdate(), 1000);
    this.#connect();
    this.#presence.start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#connection.stop();
    this.#commands.stop();
    this.#presence.stop();
    this.#follow.stop();
    clearInterval(this.#tick);
  }

  #connect(): void {
    const url = new URL(this.#page.wsUrl, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.#connection = new Connection(url.href, {
      reset: () => this.#reset(),
      event: (event) => this.#take(event),
      aside: (frame) => this.#aside(frame),
      state: (state, ending) => this.#connected(state, ending),
    });
    this.#acks = new Acks((seq, waited) => this.#connection.ack(seq, waited), browser);
    this.#commands = new Commands(
      (frame) => this.#connection.send(frame),
      (path, body) => post(this.#page.apiUrl + path, this.#page.csrfToken, body),
      () => this.#draw(),
      browser,
    );
    this.#connection.start();
  }

  #reset(): void {
    this.#state = EMPTY;
    this.#timeline = NOTHING_YET;
    this.#drawn = 0;
    this.#draw();
  }

  #take(event: LogEvent): void {
    this.#heardAt = Date.now();
    this.#state = fold([event], this.#state);
    this.#timeline = extend(this.#timeline, event);
    this.#commands.event(event);
    const sentence = event.seq > this.#history ? announcement(event, this.#state, canAnswer(this.#page)) : null;
    if (sentence !== null) this.#toAnnounce.push(sentence);
    if (this.#presence.hidden) this.#acks.taken(event.seq);
    if (seqBefore(event) < this.#history && event.seq >= this.#history) this.#looked();
    this.#draw();
  }

  #aside(frame: Frame): void {
    this.#heardAt = Date.now();
    switch (frame.type) {
      case "hello":
        this.#history = Math.max(this.#history, frame.data.head);
        this.#patience = 1.5 * frame.data.heartbeat_seconds * 1000;
        this.#clockOffset = Date.parse(frame.at) - Date.now();
        this.#stream = "streaming";
        this.#acks.begin(frame.data.from);
        break;
      case "heartbeat":
        return this.#acks.answer();
      case "stream":
        this.#stream = frame.data.state;
        break;
      case "notice":
        this.#banners = withBanner(this.#banners, frame.data.text, "notice");
        break;
      case "error":
        if (this.#commands.refused(frame.data)) break;
        this.#banners = withBanner(this.#banners, frame.data.message, "refusal");
        break;
    }
    this.#draw();
  }

  #connected(state: ConnectionState, ending: Ending | null): void {
    this.#connectionState = state;
    this.#ending = ending;
    this.#looked();
    this.#draw();
  }

  /** Somebody looks, or nobody does any more, or what they look at has caught up. */
  #looked(): void {
    const isCaughtUp = this.#connectionState === "live" && this.#state.head >= this.#history;
    const situation = {
      isHidden: this.#presence.hidden,
      isCurrent: isCaughtUp || this.#connectionState === "closed",
      heardAt: this.#heardAt,
      patience: this.#patience,
    };
    const sentence = this.#reader.look(situation, this.#state, this.#timeline);
    if (sentence !== null) this.#toAnnounce.push(sentence);
    if (situation.isHidden) this.#acks.taken(this.#state.head);
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

  #mode(): Mode {
    return this.#state.mode ?? this.#page.mode;
  }

  get #now(): number {
    return Date.now() + this.#clockOffset;
  }

  /** A question that waits for the person at this page. */
  get #question(): string | null {
    if (this.#isOver() || !canAnswer(this.#page)) return null;
    return this.#state.requests.find(({ state }) => state === "open")?.request ?? null;
  }

  protected override willUpdate(): void {
    if (this.#toAnnounce.length > 0) this.#announced = this.#toAnnounce.splice(0).join(" ");
    const marks = `${this.#mode() === "demo" ? "Demo: " : ""}${this.#question === null ? "" : "(?) "}`;
    document.title = `${marks}${this.#page.topic} · Outcry`;
    this.#drawn = this.#state.head;
  }

  protected override updated(): void {
    // Nothing is left to be stopped.
    if (this.#isOver()) this.querySelector<HTMLDialogElement>("dialog[open]")?.close();
    if (this.#reader.isBack) void this.#putBack();
    if (this.#painting || this.#presence.hidden) return;
    this.#painting = true;
    // The task after the next frame: by then what was drawn here stands on the screen.
    requestAnimationFrame(() =>
      setTimeout(() => {
        this.#painting = false;
        this.#acks.taken(this.#drawn);
      }),
    );
  }

  async #putBack(): Promise<void> {
    // The messages draw themselves after this element; before that, nothing is where it will be.
    const parts = this.querySelectorAll<LitElement>("outcry-message, outcry-verdict");
    await Promise.all(Array.from(parts, (part) => part.updateComplete));
    this.#reader.putBack(this.querySelector(".away"));
  }

  protected override render(): TemplateResult {
    const { topic } = this.#page;
    const local = this.#state.messages.find((message) => message.provider === "local");
    const steer = this.#page.canControl ? { commands: this.#commands, stop: this.#askToStop } : null;
    const moment = {
      connection: this.#connectionState,
      offline: this.#presence.offline,
      stream: this.#stream,
      now: this.#now,
    };
    return html`
      <div class="debate" data-mode=${this.#mode()}>
        ${this.#mode() === "demo" ? watermarkTemplate() : nothing}
        <header class="question">
          <p class="kicker">Question</p>
          <h1 class="topic" ?data-long=${topic.length > 140}>${topic}</h1>
          ${this.#material()}
        </header>
        ${boardTemplate(this.#page, this.#state, this.#timeline, moment, steer)}
        <div class="transcript">
          ${bannersTemplate(this.#endingNotice(), this.#banners, (id) => {
            this.#banners = this.#banners.filter((banner) => banner.id !== id);
            this.requestUpdate();
          })}
          ${demoTemplate(this.#page, this.#state)}
          ${local ? localTemplate(local.model, this.#state.fallbacks.length > 0) : nothing}
          ${transcriptTemplate({
            page: this.#page,
            state: this.#state,
            timeline: this.#timeline,
            commands: this.#commands,
            missed: this.#reader.missed,
            dismissMissed: () => {
              this.#reader.missed = null;
              this.requestUpdate();
            },
            now: this.#now,
          })}
          ${this.#cut()} ${this.#say()}
        </div>
      </div>
      ${this.#afloat()} ${steer === null ? nothing : stopDialogTemplate(this.#stop)}
      <p class="sr-only" aria-live="polite" data-testid="announcements">${this.#announced}</p>
    `;
  }

  #jump = (): void => {
    const open = this.querySelector('.question-to-owner[data-state="open"]');
    if (open) this.#follow.to(open);
    else this.#follow.toBottom();
  };

  #askToStop = (): void => this.querySelector("dialog")?.showModal();

  #stop = (): void => this.#commands.give({ type: "control", action: "cancel" });

  #afloat(): TemplateResult {
    const lost = this.#connectionState === "reconnecting";
    const words = this.#presence.offline ? "You are offline. What you miss comes later" : "Connection lost. Reconnecting";
    const end = this.#state.complete ? "Jump to the verdict" : "Jump to the newest";
    return html`<div class="afloat">
      <p class="lost" role="status" data-testid="connection-lost">${lost ? html`<span>${words}</span>` : nothing}</p>
      <button
        type="button"
        class="btn btn-primary btn-sm"
        data-testid="jump-to-newest"
        ?hidden=${!this.#follow.behind || (this.#isOver() && !this.#state.complete)}
        @click=${this.#jump}
      >
        ${this.#question === null ? end : "Jump to the question"}
      </button>
    </div>`;
  }

  #say(): Optional {
    if (!this.#page.canSpeak) return nothing;
    return html`<outcry-say
      class="to-the-panel"
      .name=${"say"}
      .label=${"Say something to the panel"}
      .verb=${"Send"}
      .limit=${this.#page.maxText}
      .attempt=${this.#commands.at("say")}
      .closed=${isTerminal(this.#state.status ?? this.#page.status) ? "The debate is over." : null}
      @say=${({ detail }: CustomEvent<string>) =>
        this.#commands.give({ type: "input", text: detail, reply_to: null })}
    ></outcry-say>`;
  }

  #material(): Optional {
    const { content, contentType } = this.#page;
    if (!content) return nothing;
    return html`<details class="material">
      <summary>${contentType}, ${[...content].length.toLocaleString("en")} characters</summary>
      <div tabindex="0">${content}</div>
    </details>`;
  }

  #endingNotice(): Optional {
    if (!this.#ending?.sentence) return nothing;
    return html`<p class="alert alert-warning" role="alert" data-testid="connection-ended">
      <span>
        ${this.#ending.sentence}
        ${this.#ending.signIn ? html`<a class="link" href=${this.#page.loginUrl}>Sign in to go on watching.</a>` : nothing}
      </span>
    </p>`;
  }

  /** The last line of a debate that did not reach its verdict. */
  #cut(): Optional {
    const { status, controls } = this.#state;
    // Where a person stopped it, the log's own line says so.
    if (status !== "cancelled" || controls.some(({ action }) => action === "cancel")) return nothing;
    return html`<p class="alert alert-warning">The debate was stopped in round ${round(this.#state)}.</p>`;
  }
}

customElements.define("outcry-debate", DebateElement);
