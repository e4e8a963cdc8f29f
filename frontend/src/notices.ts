// What stands between the messages: fallbacks, errors, and a word about the local model.

import { type TemplateResult, html, nothing } from "lit";
import type { Fallback } from "./events.gen.ts";
import type { Failure } from "./state.ts";
import { reason } from "./words.ts";

type Optional = TemplateResult | typeof nothing;

const CONNECT = "OUTCRY_PROVIDERS=openai:gpt-5-mini OPENAI_API_KEY=... make run";

export function localTemplate(model: string): TemplateResult {
  return html`<aside class="local-note" data-testid="local-note">
    <p>${model} is a very small model that runs on this computer, for trying Outcry out. Connect a better one:</p>
    <p class="command">
      <code>${CONNECT}</code>
      <button type="button" class="btn btn-outline btn-xs" @click=${copy}>Copy</button>
    </p>
  </aside>`;
}

export function fallbackTemplate(fallback: Fallback | undefined): Optional {
  if (!fallback) return nothing;
  return html`<p class="between" data-testid="fallback">
    <strong>${fallback.from}</strong> gave way to <strong>${fallback.to}</strong>. ${reason(fallback.reason)}
    <span class="mono quiet">${fallback.code}</span>
  </p>`;
}

export function errorTemplate(error: Failure | undefined, againUrl: string): Optional {
  if (!error) return nothing;
  return html`<div class="alert alert-error failure" data-testid="error">
    <div>
      <p>${error.message} <span class="mono quiet">${error.code}</span></p>
      ${error.retryable ? html`<p><a class="link" href=${againUrl}>Ask the same question again</a></p>` : nothing}
    </div>
  </div>`;
}

async function copy(event: Event): Promise<void> {
  const button = event.currentTarget as HTMLElement;
  const code = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(code?.textContent ?? "");
    button.textContent = "Copied";
  } catch {
    // No clipboard here: the line is marked, so that the keyboard can copy it.
    if (code) getSelection()?.selectAllChildren(code);
  }
}
