// Attempts that were discarded, and changes of the model: each one line, which opens.

import { type TemplateResult, html, nothing } from "lit";
import type { Fallback } from "../protocol/events.gen.ts";
import type { Message } from "../protocol/state.ts";
import { discardReason, modelName, providerName, reason, waitTime } from "../shared/format.ts";

/** The provider's label of the scripted demo. */
export const DEMO = "demo";

/** A discarded attempt that no fallback follows. */
export function attemptTemplate(message: Message): TemplateResult {
  const why = discardReason(message.discard_reason ?? "");
  return html`<details class="between" data-testid="discarded" data-agent=${message.agent}>
    <summary>An attempt of ${message.agent} was discarded.</summary>
    <p>${why}</p>
    ${wordsTemplate(message)}
  </details>`;
}

/** Why another provider answers, or the same one was asked again. `discarded` is the attempt that led to it, if the
 * first provider was asked; otherwise it was skipped. */
export function fallbackTemplate(fallback: Fallback, discarded: Message | undefined): TemplateResult {
  const { to, code } = fallback;
  return html`<details class="between" data-testid="fallback" data-to=${to === DEMO ? "demo" : "live"}>
    <summary>${summary(fallback, discarded)}</summary>
    <p>${reason(fallback.reason)} <span class="mono quiet">${code}</span></p>
    ${discarded === undefined ? nothing : wordsTemplate(discarded)}
  </details>`;
}

/** The announcement of a fallback: only that the scripted demo takes over. */
export function fallbackSentence({ to }: Fallback): string | null {
  return to === DEMO ? "AI models are unavailable. Switched to the scripted demo." : null;
}

function summary(fallback: Fallback, discarded: Message | undefined): string {
  const { from, to, code } = fallback;
  const failed = modelOf(from);
  if (from === to && code === "provider_rate_limited") return `${failed} is rate limited; retried${pause(fallback.reason)}.`;
  if (from === to) return `${failed} failed; retried.`;
  const next = to === DEMO ? "the scripted demo" : modelOf(to);
  // Two providers may have the same model.
  const [old, new_] = failed === next ? [providerName(from), providerName(to)] : [failed, next];
  const wasAsked = discarded !== undefined && discarded.discard_reason !== "interrupted";
  return `${old} ${wasAsked ? "failed" : "failed recently and is skipped"}. Switched to ${new_}.`;
}

/** The model of a provider's label: "gpt-5-mini" of "openai:gpt-5-mini". */
function modelOf(label: string): string {
  const model = label.split(":").slice(1).join(":");
  return model === "" ? label : modelName(model);
}

/** The duration in the server's sentence. */
function pause(sentence: string): string {
  const seconds = /\bin (\d+) s\b/.exec(sentence)?.[1];
  return seconds === undefined ? "" : ` after ${waitTime(Number(seconds))}`;
}

function wordsTemplate({ text }: Message): TemplateResult {
  if (text === "") return html`<p class="quiet">It had said nothing.</p>`;
  return html`<p class="discarded-words" dir="auto">${text}</p>`;
}
