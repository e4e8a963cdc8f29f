// What people say and are asked, and what they did to the debate.

import { type TemplateResult, html, nothing } from "lit";
import "./message-form.ts";
import type { Attempt } from "../client/commands.ts";
import type { Command, Human, Request } from "../protocol/state.ts";
import { clock } from "../shared/format.ts";

type Optional = TemplateResult | typeof nothing;

/** How this page stands to a question: whether it may be answered here, what became of that, and the server's time. */
export type Floor = {
  readonly mayAnswer: boolean;
  readonly isOver: boolean;
  readonly attempt: Attempt | undefined;
  /** Characters of an answer, at most. */
  readonly limit: number;
  /** Milliseconds. */
  readonly now: number;
  readonly answer: (text: string) => void;
};

const DID = { pause: "paused", resume: "resumed", cancel: "stopped" } as const;

export function controlSentence({ actor, action }: Command): string {
  return `${actor} ${DID[action]} the debate.`;
}

export function controlTemplate(control: Command | undefined): Optional {
  if (!control) return nothing;
  return html`<p class="did" data-testid="control" data-action=${control.action}>${controlSentence(control)}</p>`;
}

/** `asked` is the request that this answers, if it answers one. */
export function humanTemplate(human: Human | undefined, asked: Request | undefined): Optional {
  if (!human) return nothing;
  return html`<article class="human" data-testid="human-message" aria-label=${human.author}>
    <p class="author">${human.author}${asked ? html`, to ${asked.agent}` : nothing}</p>
    <p class="words">${human.text}</p>
  </article>`;
}

export function requestTemplate(request: Request | undefined, floor: Floor): Optional {
  if (!request) return nothing;
  const open = request.state === "open" && !floor.isOver;
  const title = `question-${request.request}`;
  return html`<section
    class="question-to-owner"
    data-testid="input-request"
    data-request=${request.request}
    data-state=${open || request.state !== "open" ? request.state : "closed"}
    aria-labelledby=${title}
  >
    <header>
      <h3 id=${title}>${request.agent} asks ${floor.mayAnswer ? "you" : "the owner"}</h3>
      ${open ? countdown(request, floor.now) : nothing}
    </header>
    <p class="prompt">${request.prompt}</p>
    ${open ? answering(request, floor) : html`<p class="quiet">${outcome(request)}</p>`}
  </section>`;
}

function answering(request: Request, floor: Floor): TemplateResult {
  if (!floor.mayAnswer) return html`<p class="quiet">Waiting for an answer from the owner.</p>`;
  return html`<outcry-say
    .name=${`answer-${request.request}`}
    .label=${"Your answer"}
    .verb=${"Answer"}
    .limit=${floor.limit}
    .attempt=${floor.attempt}
    .closed=${null}
    @say=${({ detail }: CustomEvent<string>) => floor.answer(detail)}
  ></outcry-say>`;
}

function countdown(request: Request, now: number): Optional {
  if (request.deadline === null) return nothing;
  // A second that has begun counts whole: nobody is told 0:00 who still has time.
  const left = Math.max(0, Date.parse(request.deadline) - now);
  const words = left === 0 ? "Time is up" : `${clock(left + 999)} left`;
  return html`<span class="countdown" role="timer" data-testid="countdown" ?data-short=${left < 30_000}>${words}</span>`;
}

function outcome(request: Request): string {
  if (request.state === "answered") return "Answered.";
  return request.state === "expired" ? "Nobody answered in time." : "The debate ended before an answer.";
}
