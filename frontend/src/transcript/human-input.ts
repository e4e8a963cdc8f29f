// People's messages, questions to people, and people's commands.

import { type TemplateResult, html, nothing } from "lit";
import type { Said } from "./message-form.ts";
import { answerForm } from "./unsent.ts";
import { canAnswer } from "../client/page-data.ts";
import type { Scene } from "./scene.ts";
import { type AppliedControl, type Human, type Request, isTerminal } from "../protocol/state.ts";
import { duration, label } from "../shared/format.ts";

const PAST_TENSE: Readonly<Record<string, string>> = {
  pause: "paused the debate",
  resume: "resumed the debate",
  cancel: "stopped the debate",
  conclude: "asked for the verdict now",
};

export function controlSentence({ actor, action }: AppliedControl): string {
  const past = PAST_TENSE[action];
  // A later version may have more commands.
  return past === undefined ? `${actor} sent the command “${label(action)}”.` : `${actor} ${past}.`;
}

export function controlTemplate(control: AppliedControl): TemplateResult {
  const { actor, action } = control;
  return html`<p class="control" data-testid="control" data-action=${action}><span><bdi>${actor}</bdi> ${PAST_TENSE[action]}.</span></p>`;
}

/** `to` is the agent that asked what this answers, or that it is addressed to. */
export function humanTemplate(human: Human, to: string | undefined): TemplateResult {
  return html`<article class="human" data-testid="human-message" aria-label=${human.author}>
    <p class="author"><bdi>${human.author}</bdi>${to === undefined ? nothing : html`, to ${to}`}</p>
    <p class="words" dir="auto">${human.text}</p>
  </article>`;
}

export function requestTemplate(scene: Scene, request: Request): TemplateResult {
  const open = request.state === "open" && !isTerminal(scene.state.status);
  const title = `question-${request.request}`;
  const isForMe = canAnswer(scene.page);
  return html`<section
    class="input-request"
    data-testid="input-request"
    data-request=${request.request}
    data-state=${open || request.state !== "open" ? request.state : "closed"}
    aria-labelledby=${title}
  >
    <header>
      <h3 id=${title}>${open && isForMe ? "Question for you" : `${request.agent} asked ${isForMe ? "you" : "the owner"}`}</h3>
      ${open ? countdownTemplate(request, scene.now) : nothing}
    </header>
    <p class="prompt" dir="auto">${request.prompt}</p>
    ${open ? answerTemplate(scene, request) : outcome(request)}
  </section>`;
}

function answerTemplate({ page, commands }: Scene, { request }: Request): TemplateResult {
  if (!canAnswer(page)) return html`<p class="quiet">Waiting for an answer from the owner.</p>`;
  const attempt = commands.at(`request ${request}`);
  const isBusy = commands.isPending(`request ${request}`);
  const skip = html`<button
    type="button"
    class="btn btn-outline btn-sm"
    data-testid="answer-${request}-skip"
    aria-disabled=${isBusy ? "true" : "false"}
    @click=${() => commands.give({ type: "input", text: null, reply_to: request })}
  >
    Skip
  </button>`;
  return html`<outcry-message-form
    .name=${answerForm(request)}
    .label=${"Your answer"}
    .verb=${"Answer"}
    .limit=${page.maxText}
    .attempt=${attempt}
    .second=${skip}
    @submitted=${({ detail }: CustomEvent<Said>) => commands.give({ type: "input", text: detail.text, reply_to: request })}
  ></outcry-message-form>`;
}

function countdownTemplate(request: Request, now: number): TemplateResult | typeof nothing {
  if (request.deadline === null) return nothing;
  // Rounded up to whole seconds, because 0:00 would mean that the time is over.
  const left = Math.max(0, Date.parse(request.deadline) - now);
  const words = left === 0 ? "Time is up" : `${duration(left + 999)} left`;
  return html`<span class="countdown" role="timer" data-testid="countdown" ?data-short=${left < 30_000}>${words}</span>`;
}

/** Nothing for an answered question, because its answer follows. */
function outcome({ state, skipped_by }: Request): TemplateResult | typeof nothing {
  if (state === "answered") return nothing;
  if (state === "open") return html`<p class="quiet">The debate ended before an answer.</p>`;
  return html`<p class="quiet">${skipped_by === null ? "Not answered in time." : html`Skipped by <bdi>${skipped_by}</bdi>.`}</p>`;
}
