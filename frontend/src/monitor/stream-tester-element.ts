// <outcry-stream-tester>: starts a debate by hand, and shows every frame of its stream.

import { type TemplateResult, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { type MonitorPage, rate, textProblem, timeOfDay } from "./data.ts";
import { post, webSocketUrl } from "../shared/http.ts";
import { type LogLine, MAX_LINES, StreamTester, type TesterState } from "./stream-tester.ts";
import { label, thousands } from "../shared/format.ts";
import { type Drawn, LiveElement } from "../shared/page-element.ts";
import { every } from "../shared/timers.ts";

const STATES: Readonly<Record<TesterState, string>> = {
  idle: "Not started",
  starting: "Starting",
  connecting: "Connecting",
  live: "Connected",
  reconnecting: "Reconnecting",
  closed: "Closed",
};

@customElement("outcry-stream-tester")
export class StreamTesterElement extends LiveElement {
  @property({ attribute: false }) page!: MonitorPage;

  #tester!: StreamTester;
  @state() problem: string | null = null;

  protected override entered(signal: AbortSignal): void {
    this.#tester = this.#newTester();
    // The token rate falls while nothing arrives.
    every(1000, () => this.#tester.isRunning && this.requestUpdate(), signal);
    signal.addEventListener("abort", () => this.#tester.leave());
  }

  #newTester(): StreamTester {
    const cancel = (conversation: string): void => void this.#cancel(conversation);
    return new StreamTester(webSocketUrl(this.page.wsUrl), cancel, () => this.requestUpdate());
  }

  async #cancel(conversation: string): Promise<void> {
    const { problem } = await post(`/api/conversations/${conversation}/control`, { action: "cancel" });
    this.problem = problem;
  }

  protected override get drawn(): Drawn {
    return this.#tester;
  }

  protected override render(): TemplateResult {
    const tester = this.#tester;
    const problem = this.problem ?? tester.problem;
    return html`<form class="stream-tester" data-testid="stream-tester" novalidate @submit=${this.#start}>
        <div class="field">
          <label for="stream-tester-topic">Question</label>
          <input
            id="stream-tester-topic"
            class="input"
            autocomplete="off"
            data-testid="stream-tester-topic"
            aria-describedby="stream-tester-hint stream-tester-problem"
            aria-invalid=${this.problem === null ? "false" : "true"}
          />
          <p class="help" id="stream-tester-hint">Starts a real debate, which is kept in your history.</p>
          <p class="field-error" id="stream-tester-problem" role="alert" data-testid="stream-tester-problem">${problem ?? nothing}</p>
        </div>
        <div class="buttons">
          <button class="btn btn-primary btn-sm" data-testid="stream-tester-start" ?disabled=${tester.isRunning}>Start</button>
          ${tester.isPaused
            ? this.#button("resume", "Resume stream", () => tester.resume())
            : this.#button("pause", "Pause stream", () => tester.pause(), tester.state !== "live")}
          ${this.#button("stop", "Stop", () => tester.stop(), !tester.isRunning)}
          ${tester.conversation === null
            ? nothing
            : html`<a class="link" href="/conversations/${tester.conversation}/">Open the debate</a>`}
        </div>
      </form>
      <dl class="counters">
        ${this.#counter("state", "State", this.#state())} ${this.#counter("frames", "Frames", thousands(tester.frames))}
        ${this.#counter("tokens", "Tokens", thousands(tester.tokens))}
        ${this.#counter("rate", "Tokens a second", rate(tester.rate))}
        ${this.#counter("reconnects", "Reconnects", thousands(tester.reconnects))}
      </dl>
      <div class="frames scroll" role="region" tabindex="0" aria-label="Frames, the newest last" data-testid="stream-tester-log">
        ${tester.lines.length === 0
          ? html`<p class="empty">Frames appear here, up to the last ${thousands(MAX_LINES)}.</p>`
          : html`<ol>
              ${repeat(tester.lines, ({ number }) => number, lineTemplate)}
            </ol>`}
      </div>`;
  }

  #state(): string {
    const { state, stream, status } = this.#tester;
    if (state !== "live") return STATES[state];
    const text = stream === "streaming" ? STATES.live : label(stream);
    return status === null ? text : `${text}, debate ${label(status).toLowerCase()}`;
  }

  #button(id: string, text: string, press: () => void, disabled = false): TemplateResult {
    return html`<button type="button" class="btn btn-outline btn-sm" data-testid="stream-tester-${id}" ?disabled=${disabled} @click=${press}>
      ${text}
    </button>`;
  }

  #counter(id: string, name: string, value: string): TemplateResult {
    return html`<div><dt>${name}</dt><dd data-testid="stream-tester-${id}-count">${value}</dd></div>`;
  }

  #start = (event: SubmitEvent): void => {
    event.preventDefault();
    const field = this.querySelector("input");
    if (field === null || this.#tester.isRunning) return;
    this.problem = textProblem(field.value, this.page.maxTopic, "Enter a question.");
    if (this.problem !== null) return field.focus();
    this.#tester = this.#newTester();
    this.#tester.start(field.value.trim());
  };
}

function lineTemplate(line: LogLine): TemplateResult {
  return html`<li data-type=${line.type}>
    <time>${timeOfDay(line.at)}</time><span class="seq">${line.seq}</span><b>${line.type}</b><span class="text">${line.text}</span>
  </li>`;
}
