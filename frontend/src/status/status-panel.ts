// The panel beside a debate: status, controls, rounds, speakers, usage and limits.

import { type TemplateResult, html, nothing } from "lit";
import type { Commands } from "../client/commands.ts";
import type { ConnectionState } from "../client/connection.ts";
import { controlsTemplate } from "./controls.ts";
import type { Status, StreamState } from "../protocol/events.gen.ts";
import { limitsTemplate } from "./budget.ts";
import { type Speaker, speakersOf } from "./speakers.ts";
import { cost, endOf, formatCost, modelsOf, outputTokens, roundOf } from "./usage.ts";
import { type Page, canAnswer } from "../client/page-data.ts";
import { type State, isTerminal, spokenMessages } from "../protocol/state.ts";
import { duration, label, thousands } from "../shared/format.ts";

/** A debate, and this page's connection to it. */
export type LiveDebate = {
  readonly page: Page;
  readonly commands: Commands;
  readonly state: State;
  readonly connectionState: ConnectionState;
  readonly isOffline: boolean;
  readonly stream: StreamState;
  /** The server's time in milliseconds. */
  readonly now: number;
};

/** Explanations of a stream that is behind. */
const STREAM_NOTES: Partial<Readonly<Record<StreamState, string>>> = {
  lagging: "Your connection is slow: whole messages only, until it has caught up.",
  reconnecting: "The server waits for its database; nothing is lost.",
};

/** The current speaker's state while the debate is paused or waits. */
const HELD: Partial<Readonly<Record<Status, string>>> = { paused: "paused", awaiting_input: "asking" };

const CONNECTION_LABELS: Readonly<Record<ConnectionState, string>> = {
  connecting: "Connecting",
  live: "Connected",
  reconnecting: "Reconnecting",
  closed: "Disconnected",
};

export function statusPanelTemplate(debate: LiveDebate): TemplateResult {
  const { page, commands, state, now } = debate;
  const status = state.status ?? page.status;
  const mode = state.mode ?? page.mode;
  const elapsed = state.startedAt === null ? null : endOf(state, now) - Date.parse(state.startedAt);
  const note = debate.connectionState === "live" ? STREAM_NOTES[debate.stream] : undefined;
  return html`<aside class="status-panel" data-theme="dark" aria-label="State of the debate">
    <div class="status-row">
      <span class="status-word" data-testid="conversation-status" data-status=${status}>${statusLabel(status, page)}</span>
      ${mode === "demo" ? html`<span class="tag tag-demo" data-testid="demo-badge">DEMO</span>` : nothing}
      ${connectionTemplate(debate, isTerminal(status))}
      <p class="stream-note" role="status" data-testid="stream-note">
        ${note === undefined ? nothing : html`<span>${note}</span>`}
      </p>
    </div>
    <div class="status-details">
      ${page.canControl ? controlsTemplate(status, state, commands) : nothing} ${roundsTemplate(page, state)}
      ${speakersTemplate(page, state, status)} ${usageTemplate(state, elapsed)}
      ${limitsTemplate(page.limits, state, now)}
      ${mode === "demo" ? html`<p class="script">${demoSentence(state)}</p>` : nothing}
    </div>
  </aside>`;
}

function demoSentence(state: State): string {
  const wasLive = state.messages.some((message) => message.mode === "live" && message.state === "done");
  return wasLive ? "What is marked DEMO was spoken by a script, not by a model." : "A script speaks here, not a model.";
}

function statusLabel(status: Status, page: Page): string {
  if (status !== "awaiting_input") return label(status);
  return canAnswer(page) ? "Waiting for you" : "Waiting for the owner";
}

function connectionTemplate({ connectionState, isOffline, stream }: LiveDebate, isOver: boolean): TemplateResult {
  const isBroken = connectionState === "connecting" || connectionState === "reconnecting";
  const isPaused = connectionState === "live" && stream === "paused";
  // The connection is up, but the server waits for its database.
  const isWaiting = connectionState === "live" && stream === "reconnecting";
  let text = CONNECTION_LABELS[connectionState];
  if (isOver && connectionState === "closed") text = "All received";
  else if (isBroken && isOffline) text = "You are offline";
  else if (isPaused) text = "Stream paused";
  else if (isWaiting) text = CONNECTION_LABELS.reconnecting;
  const isAlarming = isPaused || isWaiting || (connectionState === "closed" && !isOver);
  return html`<span
    class="connection"
    data-testid="connection-status"
    data-state=${isWaiting ? "reconnecting" : connectionState}
    ?data-offline=${isBroken && isOffline}
    ?data-alarm=${connectionState === "reconnecting" || isAlarming}
    >${text}</span
  >`;
}

function roundsTemplate(page: Page, state: State): TemplateResult {
  const now = roundOf(state);
  const judging = state.messages.at(-1)?.kind === "final";
  const ended = judging || state.complete !== null;
  const rounds = page.rounds === 1 ? "1 round" : `${page.rounds} rounds`;
  const reached = now === 0 ? rounds : `Round ${now} of ${page.rounds}`;
  let text = reached;
  if (state.complete && now < page.rounds) text = `Closed in round ${now} of ${page.rounds}`;
  else if (state.complete) text = state.complete.reason === "budget" ? rounds : `${rounds}, judged`;
  else if (judging) text = "Judgement";
  const steps = Array.from({ length: page.rounds }, (_, index) => index + 1);
  const stepState = (step: number): string => {
    if (step < now || (ended && step === now)) return "past";
    return step === now ? "now" : "ahead";
  };
  return html`<div class="rounds">
    <p data-testid="round">${text}</p>
    <div class="steps" aria-hidden="true">${steps.map((step) => html`<i data-step=${stepState(step)}></i>`)}</div>
  </div>`;
}

function speakersTemplate(page: Page, state: State, status: Status): TemplateResult {
  const isOver = isTerminal(status);
  const current = isOver ? undefined : state.messages.findLast((message) => message.state === "speaking");
  const row = ([role, { name, color }]: [string, Speaker]): TemplateResult => {
    const turns = spokenMessages(state).filter((message) => message.role === role && message.state === "done").length;
    const isCurrent = current?.role === role;
    const isSpeaking = isCurrent && !(status in HELD);
    let text = turns === 1 ? "1 turn" : `${turns} turns`;
    if (isCurrent) text = HELD[status] ?? "speaking";
    else if (turns === 0) text = isOver ? "silent" : "waiting";
    return html`<li data-color=${color} ?data-speaking=${isSpeaking}>
      <span class="avatar-letter" aria-hidden="true">${name.charAt(0)}</span>
      <span class="who">${name}</span>
      <span class="word">
        ${isSpeaking ? html`<span class="bars" aria-hidden="true"><i></i><i></i><i></i></span>` : nothing}${text}
      </span>
    </li>`;
  };
  return html`<ul class="speakers" aria-label="On the floor">${[...speakersOf(page, state)].map(row)}</ul>`;
}

/** `elapsed` is the debate's duration in milliseconds; null before it started. */
function usageTemplate(state: State, elapsed: number | null): TemplateResult {
  const paid = cost(state);
  const models = modelsOf(state);
  const modelsTemplate = html`<div class="models">
    <dt>${models.length === 1 ? "Model" : "Models"}</dt>
    <dd data-testid="models">${models.map((model) => html`<span>${model}</span>`)}</dd>
  </div>`;
  return html`<dl class="usage">
    <div><dt>Cost</dt><dd data-testid="cost">${paid === undefined ? "–" : formatCost(paid)}</dd></div>
    <div><dt>Tokens</dt><dd data-testid="tokens">${state.head === 0 ? "–" : thousands(outputTokens(state))}</dd></div>
    <div><dt>Time</dt><dd data-testid="elapsed">${elapsed === null ? "–" : duration(elapsed)}</dd></div>
    ${models.length === 0 ? nothing : modelsTemplate}
  </dl>`;
}
