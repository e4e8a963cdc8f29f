// <outcry-monitor>: the server's deliveries, refreshed every two seconds.

import { type TemplateResult, html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import "./broadcast-element.ts";
import "./stream-tester-element.ts";
import { type Chart, chartTemplate } from "./chart.ts";
import { dateAndTime } from "../shared/format.ts";
import { type MonitorPage, milliseconds, rate, timeOfDay } from "./data.ts";
import type { Day, Overview, Sample, Sessions } from "./figures.gen.ts";
import { closedTemplate, gaugesTemplate, todayTemplate } from "./gauges.ts";
import { poll, type PollAnswer, type PollFailure } from "./poll.ts";
import { sessionsTemplate } from "./sessions.ts";
import { daysTemplate, modelsTemplate } from "./usage.ts";
import { PageElement, pageData } from "../shared/page-element.ts";

const PROBLEMS: Readonly<Record<PollFailure, string>> = {
  unreachable: "The server does not answer.",
  failed: "The server answered with an error.",
  "signed out": "You are signed out.",
  forbidden: "You may not see this any more.",
};

@customElement("outcry-monitor")
export class MonitorElement extends PageElement {
  #page!: MonitorPage;
  #overview: Overview | null = null;
  #sessions: Sessions | null = null;
  #days: readonly Day[] = [];
  #refreshedAt = 0;
  #problem: PollFailure | null = null;

  protected override entered(signal: AbortSignal): void {
    this.#page ??= pageData<MonitorPage>(this);
    poll(this.#page, (answer) => this.#show(answer), signal);
  }

  #show(answer: PollAnswer): void {
    this.#problem = typeof answer === "string" ? answer : null;
    if (typeof answer !== "string") {
      [this.#overview, this.#sessions, this.#days] = answer;
      this.#refreshedAt = Date.now();
    }
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    const overview = this.#overview;
    return html`${this.#lead()} ${this.#alert()}
      ${overview === null
        ? nothing
        : html`<div class="numbers" ?data-stale=${this.#problem !== null}>
            <section aria-labelledby="today-title">
              <h2 id="today-title">Today, all processes</h2>
              ${todayTemplate(overview, this.#days[0])}
            </section>
            <section aria-labelledby="process-title">
              <h2 id="process-title">This process</h2>
              ${gaugesTemplate(overview)}
            </section>
            <div class="charts">${charts(overview.series).map(chartTemplate)}</div>
            <section aria-labelledby="models-title">
              <h2 id="models-title">Models called by this process</h2>
              ${modelsTemplate(overview.models)}
            </section>
            <section aria-labelledby="days-title">
              <h2 id="days-title">Last 14 days, all processes</h2>
              ${daysTemplate(this.#days)}
            </section>
            <section aria-labelledby="sessions-title">
              <h2 id="sessions-title">Connections to this process</h2>
              ${this.#sessions ? sessionsTemplate(this.#sessions) : nothing}
            </section>
          </div>`}
      <div class="tools">
        <section class="card" aria-labelledby="stream-tester-title">
          <h2 id="stream-tester-title">Stream test</h2>
          <outcry-stream-tester .page=${this.#page}></outcry-stream-tester>
        </section>
        <div class="aside">
          ${this.#page.canBroadcast
            ? html`<section class="card" aria-labelledby="broadcast-title">
                <h2 id="broadcast-title">Broadcast message</h2>
                <outcry-broadcast .page=${this.#page}></outcry-broadcast>
              </section>`
            : nothing}
          ${overview === null
            ? nothing
            : html`<section class="card" aria-labelledby="closes-title">
                <h2 id="closes-title">Closed connections</h2>
                ${closedTemplate(overview)}
              </section>`}
        </div>
      </div>`;
  }

  #lead(): TemplateResult {
    if (this.#overview === null) return html`<p class="lead">${this.#problem === null ? "Loading." : nothing}</p>`;
    const { host, pid, started } = this.#overview.process;
    return html`<p class="lead">
      This process: ${pid} on ${host}, up since
      <time datetime=${started}>${dateAndTime(started)}</time
      >. Figures are for this process only, unless they say otherwise.
    </p>`;
  }

  #alert(): TemplateResult {
    const sentence = this.#problem && PROBLEMS[this.#problem];
    const since = this.#refreshedAt === 0 ? "" : ` These figures are from ${timeOfDay(this.#refreshedAt)}.`;
    return html`<div role="alert" data-testid="trouble">
      ${sentence === null
        ? nothing
        : html`<p class="alert alert-error">
            <span
              >${sentence}${since}
              ${this.#problem === "signed out" ? html`<a class="link" href=${this.#page.loginUrl}>Sign in again.</a>` : nothing}</span
            >
          </p>`}
    </div>`;
  }
}

function charts(series: readonly Sample[]): Chart[] {
  const times = series.map(({ time }) => time);
  const line = (name: string, value: (sample: Sample) => number | null) => ({ name, values: series.map(value) });
  return [
    {
      id: "tokens",
      title: "Tokens a second",
      times,
      lines: [line("Delivered", ({ delivered }) => delivered), line("Spoken", ({ spoken }) => spoken)],
      format: (value) => (value === null ? "–" : rate(value)),
    },
    {
      id: "latency",
      title: "From model to paint",
      times,
      lines: [line("p50", ({ p50_ms }) => p50_ms), line("p95", ({ p95_ms }) => p95_ms), line("p99", ({ p99_ms }) => p99_ms)],
      format: milliseconds,
    },
    {
      id: "connections",
      title: "Connections",
      times,
      lines: [line("Connected", ({ connections }) => connections), line("Lagging", ({ lagging }) => lagging)],
      format: (value) => (value === null ? "–" : rate(value)),
    },
  ];
}
