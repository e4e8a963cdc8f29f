// The panel beside a debate: status, round, speakers, and the details of its run. On a phone its first row is a bar that
// stays in view.

import { type TemplateResult, html, nothing } from "lit";
import type { Commands } from "../client/commands.ts";
import type { ConnectionState } from "../client/connection.ts";
import { controlsTemplate } from "./controls.ts";
import { detailsTemplate } from "./details.ts";
import type { Complete, Status, StreamState } from "../protocol/events.gen.ts";
import { type Speaker, speakersOf } from "./speakers.ts";
import { statusWord, stopReason } from "./status-word.ts";
import { roundOf } from "./usage.ts";
import { type Page, isJudged, speaksInRounds } from "../client/page-data.ts";
import { type Message, type State, isTerminal, spokenMessages } from "../protocol/state.ts";
import { initial } from "../shared/format.ts";

/** A debate, and this page's connection to it. */
export type LiveDebate = {
  readonly page: Page;
  readonly commands: Commands;
  readonly state: State;
  readonly complete: Complete | null;
  readonly connectionState: ConnectionState;
  readonly isOffline: boolean;
  /** Whether events may be missing: the debate is not over, and the connection is. */
  readonly isStale: boolean;
  /** Whether no command can reach the server: offline, signed out, or shut out. */
  readonly isCutOff: boolean;
  readonly stream: StreamState;
  /** The server's time in milliseconds; while events may be missing, that of the last frame. */
  readonly now: number;
  /** Milliseconds since the debate was created; those of loading the page may be left out. */
  readonly age: number;
};

/** Explanations of a stream that is behind. */
const STREAM_NOTES: Partial<Readonly<Record<StreamState, string>>> = {
  lagging: "Your connection is slow: whole messages only, until it has caught up.",
  reconnecting: "The server waits for its database; nothing is lost.",
};

/** The current speaker's state while the debate is paused or waits. */
const HELD: Partial<Readonly<Record<Status, string>>> = { paused: "Paused", awaiting_input: "Asking you" };

/** Only what is not as it should be is shown. */
const CONNECTION_LABELS: Readonly<Record<ConnectionState, string>> = {
  connecting: "Connecting",
  live: "",
  reconnecting: "Reconnecting",
  closed: "Disconnected",
};

export function statusPanelTemplate(debate: LiveDebate): TemplateResult {
  const { page, state } = debate;
  const status = state.status ?? page.status;
  const mode = state.mode ?? page.mode;
  const note = debate.connectionState === "live" ? STREAM_NOTES[debate.stream] : undefined;
  const why = stopReason(debate);
  const word = statusWord(debate);
  return html`<aside class="status-panel" data-theme="dark" aria-label="Status">
    <div class="status-row">
      <p class="status">
        <span
          class="status-word"
          role="status"
          tabindex="-1"
          data-testid="conversation-status"
          data-status=${status}
          ?data-stale=${debate.isStale}
          ?data-stopped=${word === "Stopped"}
          >${word}</span
        >
        ${mode === "demo" ? html`<span class="tag tag-demo" data-testid="demo-badge">Demo</span>` : nothing}
      </p>
      ${nowTemplate(page, state, status)} ${controlsTemplate(debate)} ${connectionTemplate(debate, isTerminal(status))}
      <p class="stream-note" role="status" data-testid="stream-note">
        ${note === undefined ? nothing : html`<span>${note}</span>`}
      </p>
    </div>
    <div class="status-details">
      ${why === null ? nothing : html`<p class="why" data-testid="stop-reason">${why}</p>`} ${stepsTemplate(page, state)}
      ${speakersTemplate(debate, status)} ${detailsTemplate(debate)}
    </div>
  </aside>`;
}

/** The round, and who speaks. */
function nowTemplate(page: Page, state: State, status: Status): TemplateResult {
  const speaker = currentMessage(state, status)?.agent;
  return html`<p class="now">
    <span data-testid="round">${roundText(page, state, status)}</span>
    ${speaker === undefined ? nothing : html`<span class="speaker">${speaker}</span>`}
  </p>`;
}

function connectionTemplate({ connectionState, isOffline, stream }: LiveDebate, isOver: boolean): TemplateResult {
  const isBroken = connectionState === "connecting" || connectionState === "reconnecting";
  const isPaused = connectionState === "live" && stream === "paused";
  // The connection is up, but the server waits for its database.
  const isWaiting = connectionState === "live" && stream === "reconnecting";
  let text = CONNECTION_LABELS[connectionState];
  if (isOver) text = "";
  else if (isBroken && isOffline) text = "Offline";
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

function roundText(page: Page, state: State, status: Status): string {
  if (!speaksInRounds(page, state.panel)) return "";
  const now = roundOf(state);
  const rounds = page.rounds === 1 ? "1 round" : `${page.rounds} rounds`;
  if (!isTerminal(status)) {
    if (isAtVerdict(page, state)) return "Verdict";
    return now === 0 ? rounds : `Round ${now} of ${page.rounds}`;
  }
  const isWhole = state.complete !== null && now >= page.rounds;
  if (isWhole || state.status === null) return rounds;
  if (state.reason === "concluded") return `${isJudged(page, state.panel) ? "Verdict" : "Ended"} after round ${now} of ${page.rounds}`;
  return now === 0 ? "Before round 1" : `Round ${now} of ${page.rounds}`;
}

function isAtVerdict(page: Page, state: State): boolean {
  return state.messages.at(-1)?.kind === "final" && isJudged(page, state.panel);
}

function stepsTemplate(page: Page, state: State): TemplateResult | typeof nothing {
  if (!speaksInRounds(page, state.panel)) return nothing;
  const now = roundOf(state);
  const ended = isAtVerdict(page, state) || state.complete !== null;
  const steps = Array.from({ length: page.rounds }, (_, index) => index + 1);
  const stepState = (step: number): string => {
    if (step < now || (ended && step === now)) return "past";
    return step === now ? "now" : "ahead";
  };
  return html`<div class="steps" aria-hidden="true">${steps.map((step) => html`<i data-step=${stepState(step)}></i>`)}</div>`;
}

function currentMessage(state: State, status: Status): Message | undefined {
  return isTerminal(status) ? undefined : state.messages.findLast((message) => message.state === "speaking");
}

function speakersTemplate({ page, state, isStale }: LiveDebate, status: Status): TemplateResult {
  const current = currentMessage(state, status);
  const isOver = isTerminal(status);
  const row = ([role, { name, color, title }]: [string, Speaker]): TemplateResult => {
    const turns = spokenMessages(state).filter((message) => message.role === role && message.state === "done").length;
    const isCurrent = current?.role === role;
    const isSpeaking = isCurrent && !(status in HELD) && !isStale;
    let text = turns === 1 ? "1 turn" : `${turns} turns`;
    if (isCurrent) text = HELD[status] ?? (isStale ? "" : "Speaking");
    else if (turns === 0) text = isOver ? "Did not speak" : "Up later";
    return html`<li data-color=${color} ?data-speaking=${isSpeaking}>
      <span class="avatar-letter" aria-hidden="true">${initial(name)}</span>
      <span class="who" dir="auto">${name}${title === "" ? nothing : html` <span class="stands-for" dir="auto">${title}</span>`}</span>
      <span class="word">
        ${isSpeaking ? html`<span class="bars" aria-hidden="true"><i></i><i></i><i></i></span>` : nothing}${text}
      </span>
    </li>`;
  };
  return html`<ul class="speakers" aria-label="Speakers">${[...speakersOf(page, state)].map(row)}</ul>`;
}
