// The debate as it is read: everything that happened, in its order.

import { type TemplateResult, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import "./message-element.ts";
import "./verdict-element.ts";
import { type Missed, awaySentence } from "../attention/missed-messages.ts";
import { dismissTemplate } from "./banners.ts";
import { budgetTemplate } from "../status/budget.ts";
import type { Commands } from "../client/commands.ts";
import { errorTemplate, fallbackTemplate } from "./notices.ts";
import { type Page, canAnswer } from "../client/page-data.ts";
import { controlTemplate, humanTemplate, requestTemplate } from "./human-input.ts";
import { type State, type Tool, isTerminal } from "../protocol/state.ts";
import { type Entry, type Timeline, keyOf } from "../protocol/timeline.ts";
import { reason } from "../shared/format.ts";

type Optional = TemplateResult | typeof nothing;

export type Scene = {
  readonly page: Page;
  readonly state: State;
  readonly timeline: Timeline;
  readonly commands: Commands;
  readonly missed: Missed | null;
  readonly dismissMissed: () => void;
  /** The server's time in milliseconds. */
  readonly now: number;
};

export function transcriptTemplate(scene: Scene): TemplateResult {
  const { state, timeline, missed } = scene;
  const speaking = state.messages.some((message) => message.state === "speaking");
  return html`<div
    class="conversation"
    role="log"
    aria-live="off"
    aria-label="The debate"
    aria-busy=${speaking && !isTerminal(state.status) ? "true" : "false"}
    data-testid="conversation-display"
  >
    ${timeline.entries.length === 0 ? opening(scene) : nothing}
    ${repeat(timeline.entries, keyOf, (entry, index) => {
      const divider = missed?.before === keyOf(entry) ? dividerTemplate(missed, scene.dismissMissed) : nothing;
      return html`${divider}${roundMark(scene, index)}${entryTemplate(scene, entry, index)}`;
    })}
    ${standstill(scene)}
  </div>`;
}

function entryTemplate({ page, state, timeline, commands, now }: Scene, entry: Entry, index: number): Optional {
  switch (entry.kind) {
    case "message": {
      const message = state.messages.find(({ id }) => id === entry.id);
      if (!message) return nothing;
      const tools: Tool[] = state.tools.filter((tool) => tool.message === entry.id);
      const { status } = state;
      return html`<outcry-message
        .message=${message}
        .at=${entry.at}
        .tools=${tools}
        .elsewhere=${message.kind === "final" && state.complete !== null && state.complete.summary === message.text}
        .over=${isTerminal(status)}
        .named=${models(state) > 1}
        .still=${status === "paused" || status === "awaiting_input" ? status : null}
      ></outcry-message>`;
    }
    case "human": {
      const human = state.humans[entry.index];
      return humanTemplate(
        human,
        human?.reply_to == null ? undefined : state.requests.find(({ request }) => request === human.reply_to),
      );
    }
    case "request": {
      const asked = state.requests[entry.index];
      return requestTemplate(asked, {
        mayAnswer: canAnswer(page),
        isOver: isTerminal(state.status),
        attempt: asked && commands.at(`request ${asked.request}`),
        limit: page.maxText,
        now,
        answer: (text) => asked && commands.give({ type: "input", text, reply_to: asked.request }),
      });
    }
    case "control":
      return controlTemplate(state.controls[entry.index]);
    case "fallback":
      return fallbackTemplate(state.fallbacks[entry.index], failedBefore(state, timeline.entries[index - 1]));
    case "error": {
      const isEnd = state.status === "error" && entry.index === state.errors.length - 1;
      return errorTemplate(state.errors[entry.index], isEnd, page);
    }
    case "budget":
      return budgetTemplate(state);
    case "verdict":
      return state.complete ? html`<outcry-verdict .complete=${state.complete}></outcry-verdict>` : nothing;
  }
}

/** How many models spoke. */
function models(state: State): number {
  return new Set(state.messages.map(({ model, provider }) => `${provider} ${model}`)).size;
}

/** Whether the message of the entry before failed; one that was interrupted did not. */
function failedBefore(state: State, before: Entry | undefined): boolean {
  if (before?.kind !== "message") return false;
  const message = state.messages.find(({ id }) => id === before.id);
  return message?.state === "discarded" && message.discard_reason !== "interrupted";
}

function dividerTemplate(missed: Missed, dismiss: () => void): TemplateResult {
  return html`<div class="away" data-testid="away-divider">
    <p>${awaySentence(missed)}</p>
    ${dismissTemplate("Dismiss this line", dismiss, "away-dismiss")}
  </div>`;
}

/** A line where a round begins. */
function roundMark({ state, timeline }: Scene, index: number): Optional {
  const roundOf = (entry: Entry | undefined): number | string | undefined => {
    if (entry?.kind !== "message") return undefined;
    const message = state.messages.find(({ id }) => id === entry.id);
    return message?.kind === "final" ? "final" : message?.round;
  };
  const here = roundOf(timeline.entries[index]);
  if (here === undefined) return nothing;
  const before = timeline.entries.slice(0, index).findLast((entry) => entry.kind === "message");
  if (here === roundOf(before)) return nothing;
  return html`<h2 class="round-mark"><span>${here === "final" ? "Judgement" : `Round ${here}`}</span></h2>`;
}

/** Where the last line does not say it already. */
function standstill({ state, timeline }: Scene): Optional {
  const last = timeline.entries.at(-1);
  const isSaid = last?.kind === "control" && state.controls[last.index]?.action === "pause";
  return state.status === "paused" && !isSaid ? html`<p class="did">The debate is paused.</p>` : nothing;
}

function opening({ page, state }: Scene): TemplateResult {
  const { status, reason: why } = { ...page, ...(state.status ? state : {}) };
  if (isTerminal(status)) {
    return html`<p class="quiet opening">Nothing was said in this debate. ${why === null ? nothing : reason(why)}</p>`;
  }
  if (status === "paused") return html`<p class="quiet opening">Nothing has been said yet.</p>`;
  return html`<p class="waiting opening"><i></i><i></i><i></i><span>The analysts are getting ready</span></p>`;
}
