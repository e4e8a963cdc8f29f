// <outcry-trial>: tries a stream by hand, and shows every frame of it.

import { LitElement, type TemplateResult, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { type MonitorPage, rate, timeOfDay } from "./data.ts";
import { post } from "../shared/http.ts";
import { type Line, MAX_LINES, Trial, type TrialState } from "./stream-tester.ts";
import { count, label, length } from "../shared/format.ts";

const NEAR = 24;
const STATES: Readonly<Record<TrialState, string>> = {
  idle: "Not started",
  starting: "Starting",
  connecting: "Connecting",
  live: "Connected",
  reconnecting: "Reconnecting",
  closed: "Closed",
};

export class TrialElement extends LitElement {
  static override properties = { page: { attribute: false } };

  declare page: MonitorPage;

  #trial!: Trial;
  #problem: string | null = null;
  #frame = 0;
  #tick: ReturnType<typeof setInterval> | undefined;
  /** Whether the newest line stays in view: until the reader scrolls up. */
  #follows = true;
  #top = 0;
  #painting = false;
  #drawn = 0;

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const url = new URL(this.page.wsUrl, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.#trial = new Trial(url.href, (conversation) => void this.#cancel(conversation), () => this.#draw());
    // Tokens a second fall while nothing comes.
    this.#tick = setInterval(() => this.#trial.isRunning && this.requestUpdate(), 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#tick);
    this.#trial.leave();
  }

  #draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.requestUpdate());
  }

  async #cancel(conversation: string): Promise<void> {
    const answer = await post(`/api/conversations/${conversation}/control`, this.page.csrfToken, { action: "cancel" });
    this.#problem = answer.ok ? null : answer.problem;
    this.requestUpdate();
  }

  protected override willUpdate(): void {
    this.#drawn = this.#trial.head;
  }

  protected override updated(): void {
    const log = this.querySelector(".frames");
    if (log && this.#follows) {
      log.scrollTop = log.scrollHeight;
      this.#top = log.scrollTop;
    }
    if (this.#painting || document.hidden) return;
    this.#painting = true;
    // The task after the next frame: by then what was drawn here stands on the screen.
    requestAnimationFrame(() =>
      setTimeout(() => {
        this.#painting = false;
        this.#trial.painted(this.#drawn);
      }),
    );
  }

  protected override render(): TemplateResult {
    const trial = this.#trial;
    const problem = this.#problem ?? trial.problem;
    return html`<form class="trial" data-testid="trial" novalidate @submit=${this.#start}>
        <div class="field">
          <label for="trial-topic">Question</label>
          <input
            id="trial-topic"
            class="input"
            autocomplete="off"
            data-testid="trial-topic"
            aria-describedby="trial-hint trial-problem"
            aria-invalid=${this.#problem === null ? "false" : "true"}
          />
          <p class="help" id="trial-hint">A real debate: models speak, and it stays among your debates.</p>
          <p class="field-error" id="trial-problem" role="alert" data-testid="trial-problem">${problem ?? nothing}</p>
        </div>
        <div class="buttons">
          <button class="btn btn-primary btn-sm" data-testid="trial-start" ?disabled=${trial.isRunning}>Start</button>
          ${trial.stream === "paused"
            ? this.#button("resume", "Resume stream", () => trial.resume())
            : this.#button("pause", "Pause stream", () => trial.pause(), trial.state !== "live")}
          ${this.#button("stop", "Stop", () => trial.stop(), !trial.isRunning)}
          ${trial.conversation === null
            ? nothing
            : html`<a class="link" href="/conversations/${trial.conversation}/">Open the debate</a>`}
        </div>
      </form>
      <dl class="counters">
        ${this.#counter("state", "State", this.#state())} ${this.#counter("frames", "Frames", count(trial.frames))}
        ${this.#counter("tokens", "Tokens", count(trial.tokens))}
        ${this.#counter("rate", "Tokens a second", rate(trial.rate))}
        ${this.#counter("reconnects", "Reconnects", count(trial.reconnects))}
      </dl>
      <div class="frames scroll" role="region" tabindex="0" aria-label="Frames, the newest last" data-testid="trial-log" @scroll=${this.#look}>
        ${trial.lines.length === 0
          ? html`<p class="empty">Every frame is noted here, up to the last ${count(MAX_LINES)}.</p>`
          : html`<ol>
              ${repeat(trial.lines, ({ number }) => number, lineTemplate)}
            </ol>`}
      </div>`;
  }

  #state(): string {
    const { state, stream, status } = this.#trial;
    if (state !== "live") return STATES[state];
    const words = stream === "streaming" ? STATES.live : label(stream);
    return status === null ? words : `${words}, debate ${label(status).toLowerCase()}`;
  }

  #button(id: string, words: string, press: () => void, disabled = false): TemplateResult {
    return html`<button type="button" class="btn btn-outline btn-sm" data-testid="trial-${id}" ?disabled=${disabled} @click=${press}>
      ${words}
    </button>`;
  }

  #counter(id: string, name: string, value: string): TemplateResult {
    return html`<div><dt>${name}</dt><dd data-testid="trial-${id}-count">${value}</dd></div>`;
  }

  #look = ({ currentTarget }: Event): void => {
    const log = currentTarget as HTMLElement;
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
    this.#follows = isAtEnd || (this.#follows && log.scrollTop >= this.#top);
    this.#top = log.scrollTop;
  };

  #start = (event: SubmitEvent): void => {
    event.preventDefault();
    const field = this.querySelector("input");
    if (field === null || this.#trial.isRunning) return;
    const over = length(field.value) - this.page.maxTopic;
    this.#problem = null;
    if (length(field.value) === 0) this.#problem = "Write a question first.";
    else if (over > 0) this.#problem = `This is ${count(over)} characters too long.`;
    else this.#trial.start(field.value.trim());
    if (this.#problem !== null) field.focus();
    this.requestUpdate();
  };
}

function lineTemplate(line: Line): TemplateResult {
  return html`<li data-type=${line.type}>
    <time>${timeOfDay(line.at)}</time><span class="seq">${line.seq}</span><b>${line.type}</b><span class="text">${line.text}</span>
  </li>`;
}

customElements.define("outcry-trial", TrialElement);
