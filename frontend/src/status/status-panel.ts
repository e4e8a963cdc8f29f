// The board beside the debate: status, rounds, who has the floor, and the figures.

import { type TemplateResult, html, nothing } from "lit";
import type { ConnectionState } from "../client/connection.ts";
import { type Steer, controlsTemplate } from "./controls.ts";
import type { Status, StreamState } from "../protocol/events.gen.ts";
import { limitsTemplate } from "./budget.ts";
import { costWords, dollars, endOf, round, tokens } from "./usage.ts";
import { hue } from "../shared/agent-colors.ts";
import { type Page, canAnswer } from "../client/page-data.ts";
import { type State, isTerminal } from "../protocol/state.ts";
import type { Timeline } from "../protocol/timeline.ts";
import { clock, count, label, modelName } from "../shared/format.ts";

/** How it stands with this page: its line, and the server's time in milliseconds. */
export type Moment = {
  readonly connection: ConnectionState;
  readonly offline: boolean;
  readonly stream: StreamState;
  readonly now: number;
};

/** What there is to say of a stream that is not as it should be. */
const STREAM_NOTES: Partial<Readonly<Record<StreamState, string>>> = {
  lagging: "Your connection is slow: whole messages only, until it has caught up.",
  reconnecting: "The server waits for its database; nothing is lost.",
};

/** What the one who has the floor does while nothing moves. */
const STANDSTILL: Partial<Readonly<Record<Status, string>>> = { paused: "paused", awaiting_input: "asking" };

const CONNECTION_WORDS: Readonly<Record<ConnectionState, string>> = {
  connecting: "Connecting",
  live: "Connected",
  reconnecting: "Reconnecting",
  closed: "Disconnected",
};

/** `steer` is null for those who may only watch. */
export function boardTemplate(
  page: Page,
  state: State,
  timeline: Timeline,
  moment: Moment,
  steer: Steer | null,
): TemplateResult {
  const status = state.status ?? page.status;
  const mode = state.mode ?? page.mode;
  const elapsed = elapsedOf(timeline, moment.now);
  const note = moment.connection === "live" ? STREAM_NOTES[moment.stream] : undefined;
  return html`<aside class="board" data-theme="dark" aria-label="State of the debate">
    <div class="signs">
      <span class="status-word" data-testid="conversation-status" data-status=${status}>${statusWord(status, page)}</span>
      ${mode === "demo" ? html`<span class="tag tag-demo" data-testid="demo-badge">DEMO</span>` : nothing}
      ${connectionTemplate(moment, isTerminal(status))}
      <p class="stream-note" role="status" data-testid="stream-note">
        ${note === undefined ? nothing : html`<span>${note}</span>`}
      </p>
    </div>
    <div class="standing">
      ${steer === null ? nothing : controlsTemplate(status, state, steer)} ${roundsTemplate(page, state)}
      ${floorTemplate(page, state, status)} ${figuresTemplate(state, elapsed)}
      ${limitsTemplate(page.limits, state, timeline, moment.now)} ${mode === "demo" ? html`<p class="script">${scriptWords(state)}</p>` : nothing}
    </div>
  </aside>`;
}

function scriptWords(state: State): string {
  const wasLive = state.messages.some((message) => message.mode === "live" && message.state === "done");
  return wasLive ? "What is marked DEMO was spoken by a script, not by a model." : "A script speaks here, not a model.";
}

function statusWord(status: Status, page: Page): string {
  if (status !== "awaiting_input") return label(status);
  return canAnswer(page) ? "Waiting for you" : "Waiting for the owner";
}

function connectionTemplate({ connection, offline, stream }: Moment, over: boolean): TemplateResult {
  const broken = connection === "connecting" || connection === "reconnecting";
  const held = connection === "live" && stream === "paused";
  // The line stands, and yet nothing comes over it.
  const waiting = connection === "live" && stream === "reconnecting";
  let word = CONNECTION_WORDS[connection];
  if (over && connection === "closed") word = "All received";
  else if (broken && offline) word = "You are offline";
  else if (held) word = "Stream paused";
  else if (waiting) word = CONNECTION_WORDS.reconnecting;
  return html`<span
    class="connection"
    data-testid="connection-status"
    data-state=${waiting ? "reconnecting" : connection}
    ?data-offline=${broken && offline}
    ?data-alarm=${connection === "reconnecting" || held || waiting || (connection === "closed" && !over)}
    >${word}</span
  >`;
}

function roundsTemplate(page: Page, state: State): TemplateResult {
  const now = round(state);
  const judging = state.messages.at(-1)?.kind === "final";
  const ended = judging || state.complete !== null;
  const rounds = page.rounds === 1 ? "1 round" : `${page.rounds} rounds`;
  const reached = now === 0 ? rounds : `Round ${now} of ${page.rounds}`;
  let word = reached;
  if (state.complete && now < page.rounds) word = `Closed in round ${now} of ${page.rounds}`;
  else if (state.complete) word = state.complete.reason === "budget" ? rounds : `${rounds}, judged`;
  else if (judging) word = "Judgement";
  const steps = Array.from({ length: page.rounds }, (_, index) => index + 1);
  const stepState = (step: number): string => {
    if (step < now || (ended && step === now)) return "past";
    return step === now ? "now" : "ahead";
  };
  return html`<div class="rounds">
    <p data-testid="round">${word}</p>
    <div class="steps" aria-hidden="true">${steps.map((step) => html`<i data-step=${stepState(step)}></i>`)}</div>
  </div>`;
}

function floorTemplate(page: Page, state: State, status: Status): TemplateResult {
  const over = isTerminal(status);
  const speakers = new Map(page.agents.map((agent) => [agent.role, agent.name]));
  for (const message of state.messages) if (!speakers.has(message.role)) speakers.set(message.role, message.agent);
  const last = over ? undefined : state.messages.findLast((message) => message.state === "speaking");
  const row = ([role, name]: [string, string]): TemplateResult => {
    const said = state.messages.filter((message) => message.role === role && message.state === "done").length;
    const holding = last?.role === role;
    const speaking = holding && !(status in STANDSTILL);
    const quiet = said === 0 ? "waiting" : said === 1 ? "1 turn" : `${said} turns`;
    const word = holding ? (STANDSTILL[status] ?? "speaking") : over && said === 0 ? "silent" : quiet;
    return html`<li data-hue=${hue(role)} ?data-speaking=${speaking}>
      <span class="avatar-letter" aria-hidden="true">${name.charAt(0)}</span>
      <span class="who">${name}</span>
      <span class="word">${speaking ? html`<span class="bars" aria-hidden="true"><i></i><i></i><i></i></span>` : nothing}${word}</span>
    </li>`;
  };
  return html`<ul class="floor" aria-label="On the floor">${[...speakers].map(row)}</ul>`;
}

/** Milliseconds that the debate took so far, or in all; null before it began. */
function elapsedOf(timeline: Timeline, now: number): number | null {
  if (timeline.startedAt === null) return null;
  return endOf(timeline, now) - Date.parse(timeline.startedAt);
}

function figuresTemplate(state: State, elapsed: number | null): TemplateResult {
  const paid = dollars(state);
  const voices = [...new Set(state.messages.map(({ model, provider }) => `${modelName(model)} · ${provider}`))];
  return html`<dl class="figures">
    <div><dt>Cost</dt><dd data-testid="cost">${paid === undefined ? "–" : costWords(paid)}</dd></div>
    <div><dt>Tokens</dt><dd data-testid="tokens">${state.head === 0 ? "–" : count(tokens(state))}</dd></div>
    <div><dt>Time</dt><dd data-testid="elapsed">${elapsed === null ? "–" : clock(elapsed)}</dd></div>
    ${
      voices.length === 0
        ? nothing
        : html`<div class="voices"><dt>${voices.length === 1 ? "Model" : "Models"}</dt><dd data-testid="models">${voices.map((voice) => html`<span>${voice}</span>`)}</dd></div>`
    }
  </dl>`;
}
