// Notes between and above the messages: fallbacks, errors, demo and local model.

import { type TemplateResult, html, nothing } from "lit";
import "./restart-button.ts";
import type { Fallback } from "../protocol/events.gen.ts";
import type { Page } from "../client/page-data.ts";
import type { Failure, State } from "../protocol/state.ts";
import { modelName, providerName, reason, waitTime } from "../shared/format.ts";

type Optional = TemplateResult | typeof nothing;

/** The provider's label of the scripted demo. */
const DEMO = "demo";
const CONNECT = "OUTCRY_PROVIDERS=openai:gpt-5-mini OPENAI_API_KEY=... make run";
const LATER = "Such faults mostly pass: try again in a minute.";
const OPERATOR = "Whoever runs this site has to set the provider's key or model right; until then it would fail again.";

/** What a person can do about an error that ended a debate, by its code. */
const ADVICE: Readonly<Record<string, string>> = {
  providers_exhausted: "Every model was tried. Wait a few minutes and try again.",
  resume_failed: "What was said is kept. Start it again; if that ends the same way, the server's log says why.",
  provider_rate_limited: "Wait a minute, then try again.",
  provider_too_long: "Ask again with less material or fewer rounds.",
  provider_empty: "Try again, or word the question differently.",
  provider_looped: "Try again, or word the question differently.",
  provider_rejected: "Try again with other material; if that fails too, the server's log says why.",
  provider_unauthorized: OPERATOR,
  provider_forbidden: OPERATOR,
  provider_unknown_model: OPERATOR,
  provider_not_configured: OPERATOR,
};

/** `tookOver`: whether it replaced a model that failed. */
export function localTemplate(model: string, tookOver: boolean): TemplateResult {
  const purpose = tookOver ? ". It speaks where no better one answered." : ", for trying Outcry out. Connect a better one:";
  const command = html`<p class="command">
    <code id="connect-command">${CONNECT}</code>
    <button type="button" class="btn btn-outline btn-xs" data-copy="connect-command">Copy</button>
  </p>`;
  return html`<aside class="local-note" data-testid="local-note">
    <p>${modelName(model)} is a very small model that runs on this computer${purpose}</p>
    ${tookOver ? nothing : command}
  </aside>`;
}

/** The note above a debate that became a demo because no model answered. A requested demo has none, since each of its
 * messages is marked. */
export function demoTemplate(page: Page, state: State): Optional {
  if (!state.fallbacks.some(({ to }) => to === DEMO)) return nothing;
  const wasLive = state.messages.some((message) => message.mode === "live" && message.state === "done");
  return html`<aside class="demo-note" data-testid="demo-banner" aria-label="Scripted demo">
    <p>
      <strong>${wasLive ? "This debate became a scripted demo." : "This is a scripted demo."}</strong>
      ${
        wasLive
          ? "The models stopped answering on the way. What is marked DEMO was spoken by a script, not by a model."
          : "No real model answered. Nothing here is an analysis."
      }
    </p>
    ${restartTemplate(page)}
  </aside>`;
}

function restartTemplate(page: Page): Optional {
  if (!page.canSpeak) return nothing;
  return html`<outcry-restart-button .url=${`${page.apiUrl}again`}></outcry-restart-button>`;
}

/** Why another provider answers, or the same one was asked again. `wasAsked`: whether the first provider was asked and
 * failed; otherwise it was skipped. */
export function fallbackTemplate(fallback: Fallback, wasAsked: boolean): TemplateResult {
  const { from, to, code } = fallback;
  const isWait = from === to && code === "provider_rate_limited";
  return html`<p class="between" data-testid="fallback" data-to=${to === DEMO ? "demo" : "live"}>
    <strong>${providerName(from)}</strong> ${isWait ? waitedSentence(fallback.reason) : successorTemplate(fallback, wasAsked)}
    ${isWait ? nothing : reason(fallback.reason)}
    ${to === DEMO ? html`<strong>From here on a script speaks, not a model.</strong>` : nothing}
    <span class="mono quiet">${code}</span>
  </p>`;
}

/** Removes the duration from the server's sentence. */
function waitedSentence(sentence: string): string {
  const pause = /\bin (\d+) s\b/.exec(sentence)?.[1];
  return `limits our rate; asked again${pause === undefined ? "" : ` after ${waitTime(Number(pause))}`}.`;
}

function successorTemplate({ from, to }: Fallback, wasAsked: boolean): TemplateResult | string {
  if (from === to) return "was asked again.";
  const next = html`<strong>${to === DEMO ? "the demo" : providerName(to)}</strong>`;
  if (wasAsked) return html`gave way to ${next}.`;
  return html`failed a short while ago and is skipped for now; it gave way to ${next}.`;
}

/** The announcement of a fallback: only that the scripted demo takes over. */
export function fallbackSentence({ to }: Fallback): string | null {
  return to === DEMO ? "No real model answers. From here on a script speaks, not a model." : null;
}

/** `isEnd`: whether the debate ended with this error. */
export function errorTemplate(error: Failure, isEnd: boolean, page: Page): TemplateResult {
  return html`<div class="alert alert-error failure" data-testid="error">
    <div>
      <p>${error.message} <span class="mono quiet">${error.code}</span></p>
      ${isEnd ? html`<p data-testid="what-to-do">${errorAdvice(error)}</p>` : nothing}
      ${
        isEnd || error.retryable
          ? html`<div class="choices">
              ${isEnd ? restartTemplate(page) : nothing}
              <a class="link" href=${page.againUrl}>Ask the same question again</a>
            </div>`
          : nothing
      }
    </div>
  </div>`;
}

function errorAdvice({ code, retryable }: Failure): string {
  return ADVICE[code] ?? (retryable ? LATER : "Trying again would end the same way; the server's log says why.");
}
