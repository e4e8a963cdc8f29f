// People's messages, questions to people, and people's commands.

import { type TemplateResult, html, nothing } from "lit";
import "./message-form.ts";
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
  return html`<p class="control" data-testid="control" data-action=${action}><bdi>${actor}</bdi> ${PAST_TENSE[action]}.</p>`;
}

/** `request` is the question that this answers, if it answers one. */
export function humanTemplate(human: Human, request: Request | undefined): TemplateResult {
  return html`<article class="human" data-testid="human-message" aria-label=${human.author}>
    <p class="author"><bdi>${human.author}</bdi>${request ? html`, to ${request.agent}` : nothing}</p>
    <p class="words" dir="auto">${human.text}</p>
  </article>`;
}

export function requestTemplate(scene: Scene, request: Request): TemplateResult {
  const open = request.state === "open" && !isTerminal(scene.state.status);
  const title = `question-${request.request}`;
  return html`<section
    class="input-request"
    data-testid="input-request"
    data-request=${request.request}
    data-state=${open || request.state !== "open" ? request.state : "closed"}
    aria-labelledby=${title}
  >
    <header>
      <h3 id=${title}>${request.agent} asks ${canAnswer(scene.page) ? "you" : "the owner"}</h3>
      ${open ? countdownTemplate(request, scene.now) : nothing}
    </header>
    <p class="prompt" dir="auto">${request.prompt}</p>
    ${open ? answerTemplate(scene, request) : html`<p class="quiet">${outcome(request)}</p>`}
  </section>`;
}

function answerTemplate({ page, commands }: Scene, { request }: Request): TemplateResult {
  if (!canAnswer(page)) return html`<p class="quiet">Waiting for an answer from the owner.</p>`;
  return html`<outcry-message-form
    .name=${`answer-${request}`}
    .label=${"Your answer"}
    .verb=${"Answer"}
    .limit=${page.maxText}
    .attempt=${commands.at(`request ${request}`)}
    .closed=${null}
    @submitted=${({ detail }: CustomEvent<string>) =>
      commands.give({ type: "input", text: detail, reply_to: request })}
  ></outcry-message-form>`;
}

function countdownTemplate(request: Request, now: number): TemplateResult | typeof nothing {
  if (request.deadline === null) return nothing;
  // Rounded up to whole seconds, because 0:00 would mean that the time is over.
  const left = Math.max(0, Date.parse(request.deadline) - now);
  const words = left === 0 ? "Time is up" : `${duration(left + 999)} left`;
  return html`<span class="countdown" role="timer" data-testid="countdown" ?data-short=${left < 30_000}>${words}</span>`;
}

function outcome(request: Request): string {
  if (request.state === "answered") return "Answered.";
  return request.state === "expired" ? "Nobody answered in time." : "The debate ended before an answer.";
}
