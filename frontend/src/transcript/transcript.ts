// The transcript of a debate: all its entries, in order.

import { type TemplateResult, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { type Asked, NOTHING_ASKED } from "./message-element.ts";
import { type Missed, missedSentence } from "../attention/missed-messages.ts";
import { anchorOf } from "./message-actions.ts";
import { thoughtsTemplate } from "./thoughts.ts";
import { dismissTemplate } from "./banners.ts";
import { budgetTemplate } from "../status/budget.ts";
import { attemptTemplate, fallbackTemplate } from "./attempts.ts";
import { errorTemplate } from "./notices.ts";
import type { Scene } from "./scene.ts";
import { controlTemplate, humanTemplate, requestTemplate } from "./human-input.ts";
import { type Entry, type Message, type Request, type State, isTerminal, messageOf } from "../protocol/state.ts";
import { type Speaker, speakersOf } from "../status/speakers.ts";
import { modelsOf } from "../status/usage.ts";
import { isJudged, speaksInRounds } from "../client/page-data.ts";
import { label, reason } from "../shared/format.ts";

type Optional = TemplateResult | typeof nothing;

/** What all messages are drawn with. */
type Shared = { readonly speakers: ReadonlyMap<string, Speaker>; readonly showsModel: boolean };

/** The round that begins, or the verdict. */
type Mark = number | "final";

/** A team that only answers has neither rounds nor a verdict. */
const NO_MARKS: ReadonlyMap<Entry, Mark> = new Map();

export function transcriptTemplate(scene: Scene): TemplateResult {
  const { state } = scene;
  const { missed } = scene.position;
  const isSpeaking = state.messages.some((message) => message.state === "speaking");
  const shared = { speakers: speakersOf(scene.page, state), showsModel: modelsOf(state).length > 1 };
  const marks = speaksInRounds(scene.page, state.panel) ? roundMarks(state, isJudged(scene.page, state.panel)) : NO_MARKS;
  return html`<div
    class="conversation"
    role="log"
    aria-live="off"
    aria-label="Transcript"
    aria-busy=${isSpeaking && !isTerminal(state.status) ? "true" : "false"}
    data-testid="conversation-display"
  >
    ${state.entries.length === 0 ? opening(scene) : nothing}
    ${repeat(state.entries, ({ seq }) => seq, (entry, index) => {
      const divider = missed?.before === entry.seq ? dividerTemplate(scene, missed) : nothing;
      return html`${divider}${markTemplate(marks.get(entry))}${entryTemplate(scene, shared, entry, index)}`;
    })}
    ${pausedTemplate(scene)}
  </div>`;
}

function entryTemplate(
  scene: Scene,
  shared: Shared,
  entry: Entry,
  index: number,
): Optional {
  const { page, state } = scene;
  switch (entry.type) {
    case "message_start":
      return messageTemplate(scene, shared, entry, state.entries[index + 1]);
    case "human_message": {
      const request = requestOf(state, entry.data.reply_to);
      if (request !== undefined && isInMessage(state, request)) return nothing;
      const { to } = entry.data;
      const addressed = to == null ? undefined : (shared.speakers.get(to)?.name ?? label(to));
      return humanTemplate(entry.data, request?.agent ?? addressed);
    }
    case "input_request": {
      const request = requestOf(state, entry.data.request);
      return request === undefined || isInMessage(state, request) ? nothing : requestTemplate(scene, request);
    }
    case "control":
      return controlTemplate(entry.data);
    case "fallback":
      return fallbackTemplate(entry.data, discarded(state, state.entries[index - 1]));
    case "error": {
      const isLast = state.entries.findLast(({ type }) => type === "error") === entry;
      return errorTemplate(entry.data, isLast && state.status === "error", page);
    }
    case "status":
      return budgetTemplate(state);
    case "complete":
      return nothing; // the verdict has a place of its own
  }
}

function requestOf(state: State, id: string | null): Request | undefined {
  return state.requests.find(({ request }) => request === id);
}

/** Whether a question, with its answer, stands in the message that it was asked in: a later part of the message follows
 * it. Older logs do not say where, and an attempt that was discarded shows nothing. */
function isInMessage({ messages }: State, { message: id, offset }: Request): boolean {
  const message = messages.find((other) => other.id === id);
  return offset !== null && message !== undefined && message.state !== "discarded";
}

function questionsIn(scene: Scene, message: Message): readonly Asked[] {
  const { state } = scene;
  const asked = state.requests.filter((request) => request.message === message.id && isInMessage(state, request));
  // One value, so that a message without questions counts as unchanged.
  if (asked.length === 0) return NOTHING_ASKED;
  return asked.map((request) => {
    const answers = state.humans.filter(({ reply_to }) => reply_to === request.request);
    const card = html`${requestTemplate(scene, request)}${answers.map((answer) => humanTemplate(answer, request.agent))}`;
    return { offset: request.offset ?? 0, card };
  });
}

function messageTemplate(
  scene: Scene,
  { speakers, showsModel }: Shared,
  entry: Entry,
  following: Entry | undefined,
): Optional {
  const { state, isStale } = scene;
  const message = messageOf(state, entry);
  if (!message) return nothing;
  if (message.kind === "thinking") return thoughtsTemplate(message);
  if (message.state === "discarded") return following?.type === "fallback" ? nothing : attemptTemplate(message);
  const { status, complete } = state;
  const tools = state.tools.filter((tool) => tool.message === message.id);
  return html`<outcry-message
    id=${anchorOf(message.id)}
    .message=${message}
    .color=${speakers.get(message.role)?.color ?? 0}
    .standsFor=${speakers.get(message.role)?.title ?? ""}
    .startedAt=${entry.at}
    .tools=${tools}
    .isInVerdict=${message.kind === "final" && complete !== null && complete.summary === message.text}
    .isJudgement=${message.kind === "final" && isJudged(scene.page, state.panel)}
    .isOver=${isTerminal(status)}
    .showsModel=${showsModel}
    .asked=${questionsIn(scene, message)}
    .evidence=${state.evidence}
    .held=${status === "paused" || status === "awaiting_input" ? status : isStale ? "stale" : null}
  ></outcry-message>`;
}

/** The discarded attempt that an entry began, if it did. */
function discarded(state: State, entry: Entry | undefined): Message | undefined {
  const message = messageOf(state, entry);
  return message?.state === "discarded" ? message : undefined;
}

function dividerTemplate(scene: Scene, missed: Missed): TemplateResult {
  const resume = html`<button type="button" class="btn btn-outline btn-xs" data-testid="resume-live" @click=${() => scene.resumeLive()}>
    Resume live
  </button>`;
  return html`<div class="missed-divider" data-testid="missed-divider">
    <p>${missedSentence(missed)}</p>
    ${isTerminal(scene.state.status) ? nothing : resume}
    ${dismissTemplate("Dismiss this line", () => scene.dismissMissed(), "missed-dismiss")}
  </div>`;
}

/** The entries at which a round or the verdict begins. Thoughts belong to the message after them. */
function roundMarks({ entries, messages }: State, endsWithVerdict: boolean): ReadonlyMap<Entry, Mark> {
  const places = new Map<string, Mark>();
  let place: Mark | undefined;
  for (const { id, kind, round } of messages.toReversed()) {
    if (kind !== "thinking") place = kind === "final" && endsWithVerdict ? "final" : round;
    places.set(id, place ?? round);
  }
  const marks = new Map<Entry, Mark>();
  let before: Mark | undefined;
  for (const entry of entries) {
    const here = entry.type === "message_start" ? places.get(entry.data.message) : undefined;
    if (here === undefined) continue;
    if (here !== before) marks.set(entry, here);
    before = here;
  }
  return marks;
}

/** The heading where a round begins. */
function markTemplate(mark: Mark | undefined): Optional {
  if (mark === undefined) return nothing;
  return html`<h2 class="round-mark" id=${mark === "final" ? nothing : `round-${mark}`}><span>${mark === "final" ? "Verdict" : `Round ${mark}`}</span></h2>`;
}

/** The note that the debate is paused, unless the last entry already shows it. */
function pausedTemplate({ state }: Scene): Optional {
  const last = state.entries.at(-1);
  const isShown = last?.type === "control" && last.data.action === "pause";
  return state.status === "paused" && !isShown ? html`<p class="control">The debate is paused.</p>` : nothing;
}

function opening({ page, state }: Scene): TemplateResult {
  if (state.status === null && page.events.length === 0) return waitingTemplate("Loading the transcript");
  const { status, reason: why } = { ...page, ...(state.status ? state : {}) };
  if (isTerminal(status)) {
    return html`<p class="quiet opening">No messages. ${why === null ? nothing : reason(why)}</p>`;
  }
  if (status === "paused") return html`<p class="quiet opening">No messages yet.</p>`;
  return waitingTemplate(why === "busy" ? "Starts when one of your other debates ends" : "The analysts are getting ready");
}

function waitingTemplate(words: string): TemplateResult {
  return html`<p class="waiting opening"><i></i><i></i><i></i><span>${words}</span></p>`;
}
