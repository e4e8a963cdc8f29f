// Notes between and above the messages: fallbacks, errors, demo and local model.

import { type TemplateResult, html, nothing } from "lit";
import type { Page } from "../client/page-data.ts";
import type { Failure, State } from "../protocol/state.ts";
import { DEMO } from "./attempts.ts";

type Optional = TemplateResult | typeof nothing;

const CONNECT = "OUTCRY_PROVIDERS=openai:gpt-5-mini OPENAI_API_KEY=... make run";
const LATER = "Such errors are mostly temporary. Try again in a minute.";
const OPERATOR = "The site's operator must correct the provider's key or model first.";

/** What a person can do about an error that ended a debate, by its code. */
const ADVICE: Readonly<Record<string, string>> = {
  providers_exhausted: "Every model was tried. Wait a few minutes and try again.",
  resume_failed: "The transcript is kept. Retry; if it fails again, ask the site's operator.",
  provider_rate_limited: "Wait a minute, then try again.",
  provider_too_long: "Ask again with shorter sources or fewer rounds.",
  provider_empty: "Retry, or reword the question.",
  provider_looped: "Retry, or reword the question.",
  provider_rejected: "Reword the question or change the sources; if it fails again, ask the site's operator.",
  provider_unauthorized: OPERATOR,
  provider_forbidden: OPERATOR,
  provider_unknown_model: OPERATOR,
  provider_not_configured: OPERATOR,
};

/** The note above the sample debate. */
export function sampleTemplate({ againUrl }: Page): TemplateResult {
  return html`<aside class="note" data-testid="sample-note" aria-label="Sample">
    <p>
      <strong>Sample.</strong> This is how a finished debate looks. The company and all figures are fictional; the text was
      written for this page, not by models.
    </p>
    <p><a class="btn btn-primary btn-sm" href=${againUrl}>Start your own</a></p>
  </aside>`;
}

/** The note above a debate of a model that is only for trying Outcry. */
export function testModelTemplate({ isStaff }: Page): TemplateResult {
  const connect = html`<details>
    <summary>Connect a model</summary>
    <p class="command">
      <code id="connect-command">${CONNECT}</code>
      <button type="button" class="btn btn-outline btn-xs" data-copy="connect-command">Copy</button>
    </p>
  </details>`;
  return html`<aside class="note" data-testid="local-note" aria-label="Test model">
    <p><strong>Test model.</strong> Results are not meaningful.</p>
    ${isStaff ? connect : nothing}
  </aside>`;
}

/** The note above a debate that became a demo because no model answered. A requested demo has none, since each of its
 * messages is marked. */
export function demoTemplate(page: Page, state: State): Optional {
  if (!state.fallbacks.some(({ to }) => to === DEMO)) return nothing;
  const wasLive = state.messages.some((message) => message.mode === "live" && message.state === "done");
  const words = wasLive
    ? html`<strong>Switched to a scripted demo.</strong> The models stopped answering. Messages marked Demo are a script.`
    : html`<strong>Scripted demo.</strong> AI models were unavailable. Nothing here is an analysis.`;
  return html`<aside class="note" data-testid="demo-banner" aria-label="Scripted demo">
    <p>${words}</p>
    ${restartTemplate(page)}
  </aside>`;
}

function restartTemplate(page: Page): Optional {
  if (!page.canSpeak) return nothing;
  return html`<outcry-restart-button .url=${`${page.apiUrl}again`}></outcry-restart-button>`;
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
              <a class="link" href=${page.againUrl}>Edit and retry</a>
            </div>`
          : nothing
      }
    </div>
  </div>`;
}

function errorAdvice({ code, retryable }: Failure): string {
  return ADVICE[code] ?? (retryable ? LATER : "Trying again would end the same way; the server's log says why.");
}
