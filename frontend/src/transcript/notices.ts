// Notes between and above the messages: fallbacks, errors, demo and local model.

import { type TemplateResult, html, nothing } from "lit";
import "./restart-button.ts";
import { errorAdvice } from "./error-advice.ts";
import type { Fallback } from "../protocol/events.gen.ts";
import type { Page } from "../client/page-data.ts";
import type { Failure, State } from "../protocol/state.ts";
import { copyText } from "../shared/clipboard.ts";
import { modelName, providerName, reason, waitTime } from "../shared/format.ts";

type Optional = TemplateResult | typeof nothing;

/** The provider's label of the scripted demo. */
const DEMO = "demo";
const CONNECT = "OUTCRY_PROVIDERS=openai:gpt-5-mini OPENAI_API_KEY=... make run";

/** `tookOver`: whether it replaced a model that failed. */
export function localTemplate(model: string, tookOver: boolean): TemplateResult {
  if (tookOver) {
    return html`<aside class="local-note" data-testid="local-note">
      <p>${modelName(model)} is a very small model that runs on this computer. It speaks where no better one answered.</p>
    </aside>`;
  }
  return html`<aside class="local-note" data-testid="local-note">
    <p>${modelName(model)} is a very small model that runs on this computer, for trying Outcry out. Connect a better one:</p>
    <p class="command">
      <code>${CONNECT}</code>
      <button type="button" class="btn btn-outline btn-xs" @click=${copy}>Copy</button>
    </p>
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
  if (!page.canStartAgain) return nothing;
  return html`<outcry-restart-button .url=${page.againApiUrl} .csrfToken=${page.csrfToken}></outcry-restart-button>`;
}

/** Why another provider answers, or the same one was asked again. `wasAsked`: whether the first provider was asked and
 * failed; otherwise it was skipped. */
export function fallbackTemplate(fallback: Fallback | undefined, wasAsked: boolean): Optional {
  if (!fallback) return nothing;
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
export function errorTemplate(error: Failure | undefined, isEnd: boolean, page: Page): Optional {
  if (!error) return nothing;
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

async function copy(event: Event): Promise<void> {
  const button = event.currentTarget as HTMLElement;
  if (await copyText(button.previousElementSibling as HTMLElement)) button.textContent = "Copied";
}
