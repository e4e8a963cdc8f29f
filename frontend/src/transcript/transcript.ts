// The transcript of a debate: all its entries, in order.

import { type TemplateResult, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import "./message-element.ts";
import "./verdict-element.ts";
import { type Missed, missedSentence } from "../attention/missed-messages.ts";
import { thoughtsTemplate } from "./thoughts.ts";
import { dismissTemplate } from "./banners.ts";
import { budgetTemplate } from "../status/budget.ts";
import { errorTemplate, fallbackTemplate } from "./notices.ts";
import type { Scene } from "./scene.ts";
import { controlTemplate, humanTemplate, requestTemplate } from "./human-input.ts";
import { type Entry, type State, type Tool, isTerminal, keyOf } from "../protocol/state.ts";
import { type Speaker, speakersOf } from "../status/speakers.ts";
import { reason } from "../shared/format.ts";

type Optional = TemplateResult | typeof nothing;

export function transcriptTemplate(scene: Scene): TemplateResult {
  const { state } = scene;
  const { missed } = scene.position;
  const isSpeaking = state.messages.some((message) => message.state === "speaking");
  const speakers = speakersOf(scene.page, state);
  return html`<div
    class="conversation"
    role="log"
    aria-live="off"
    aria-label="The debate"
    aria-busy=${isSpeaking && !isTerminal(state.status) ? "true" : "false"}
    data-testid="conversation-display"
  >
    ${state.entries.length === 0 ? opening(scene) : nothing}
    ${repeat(state.entries, keyOf, (entry, index) => {
      const divider = missed?.before === keyOf(entry) ? dividerTemplate(missed, () => scene.dismissMissed()) : nothing;
      return html`${divider}${roundMark(scene, index)}${entryTemplate(scene, speakers, entry, index)}`;
    })}
    ${pausedTemplate(scene)}
  </div>`;
}

function entryTemplate(
  scene: Scene,
  speakers: ReadonlyMap<string, Speaker>,
  entry: Entry,
  index: number,
): Optional {
  const { page, state } = scene;
  switch (entry.kind) {
    case "message":
      return messageTemplate(state, speakers, entry.id, entry.at);
    case "human": {
      const { human } = entry;
      return humanTemplate(human, state.requests.find(({ request }) => request === human.reply_to));
    }
    case "request": {
      const request = state.requests[entry.index];
      return request ? requestTemplate(scene, request) : nothing;
    }
    case "control":
      return controlTemplate(entry.control);
    case "fallback":
      return fallbackTemplate(entry.fallback, failedBefore(state, state.entries[index - 1]));
    case "error": {
      const isEnd = state.status === "error" && entry.index === state.errors.length - 1;
      return errorTemplate(entry.error, isEnd, page);
    }
    case "budget":
      return budgetTemplate(state);
    case "verdict":
      return html`<outcry-verdict .complete=${entry.complete}></outcry-verdict>`;
  }
}

function messageTemplate(
  state: State,
  speakers: ReadonlyMap<string, Speaker>,
  id: string,
  startedAt: string,
): Optional {
  const message = state.messages.find((candidate) => candidate.id === id);
  if (!message) return nothing;
  if (message.kind === "thinking") return thoughtsTemplate(message);
  const { status, complete } = state;
  const tools: Tool[] = state.tools.filter((tool) => tool.message === id);
  return html`<outcry-message
    .message=${message}
    .color=${speakers.get(message.role)?.color ?? 0}
    .startedAt=${startedAt}
    .tools=${tools}
    .isInVerdict=${message.kind === "final" && complete !== null && complete.summary === message.text}
    .isOver=${isTerminal(status)}
    .showsModel=${modelCount(state) > 1}
    .held=${status === "paused" || status === "awaiting_input" ? status : null}
  ></outcry-message>`;
}

function modelCount(state: State): number {
  return new Set(state.messages.map(({ model, provider }) => `${provider} ${model}`)).size;
}

/** Whether the message before this entry failed. An interrupted one did not. */
function failedBefore(state: State, before: Entry | undefined): boolean {
  if (before?.kind !== "message") return false;
  const message = state.messages.find(({ id }) => id === before.id);
  return message?.state === "discarded" && message.discard_reason !== "interrupted";
}

function dividerTemplate(missed: Missed, dismiss: () => void): TemplateResult {
  return html`<div class="missed-divider" data-testid="missed-divider">
    <p>${missedSentence(missed)}</p>
    ${dismissTemplate("Dismiss this line", dismiss, "missed-dismiss")}
  </div>`;
}

/** The heading where a round begins. */
function roundMark({ state }: Scene, index: number): Optional {
  const roundOf = (entry: Entry | undefined): number | string | undefined => {
    if (entry?.kind !== "message") return undefined;
    const index = state.messages.findIndex(({ id }) => id === entry.id);
    // Thoughts belong to the message after them.
    const message = state.messages.slice(index).find(({ kind }) => kind !== "thinking") ?? state.messages[index];
    return message?.kind === "final" ? "final" : message?.round;
  };
  const here = roundOf(state.entries[index]);
  if (here === undefined) return nothing;
  const before = state.entries.slice(0, index).findLast((entry) => entry.kind === "message");
  if (here === roundOf(before)) return nothing;
  return html`<h2 class="round-mark"><span>${here === "final" ? "Judgement" : `Round ${here}`}</span></h2>`;
}

/** The note that the debate is paused, unless the last entry already shows it. */
function pausedTemplate({ state }: Scene): Optional {
  const last = state.entries.at(-1);
  const isShown = last?.kind === "control" && last.control.action === "pause";
  return state.status === "paused" && !isShown ? html`<p class="control">The debate is paused.</p>` : nothing;
}

function opening({ page, state }: Scene): TemplateResult {
  const { status, reason: why } = { ...page, ...(state.status ? state : {}) };
  if (isTerminal(status)) {
    return html`<p class="quiet opening">Nothing was said in this debate. ${why === null ? nothing : reason(why)}</p>`;
  }
  if (status === "paused") return html`<p class="quiet opening">Nothing has been said yet.</p>`;
  return html`<p class="waiting opening"><i></i><i></i><i></i><span>The analysts are getting ready</span></p>`;
}
