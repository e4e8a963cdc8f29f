// What an agent thought, apart from what it said: folded, before its message, and not a message itself.

import { type TemplateResult, html, nothing } from "lit";
import type { Message } from "../protocol/state.ts";

export function thoughtsTemplate({ id, agent, text, state }: Message): TemplateResult | typeof nothing {
  if (state === "discarded" && text === "") return nothing;
  const what = state === "speaking" ? "is thinking" : "thought about this";
  return html`<details class="thoughts" data-testid="thoughts" data-thoughts=${id} data-state=${state}>
    <summary>${agent} ${what}${state === "discarded" ? ", and was interrupted" : nothing}</summary>
    <p dir="auto">${text}</p>
  </details>`;
}
