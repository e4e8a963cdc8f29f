// Loads the panel with the first record.

import { type TemplateResult, html, nothing } from "lit";
import type { Page } from "../client/page-data.ts";
import type { State } from "../protocol/state.ts";

let loading: Promise<unknown> | null = null;

export function evidencePanelTemplate(state: State, { pricesUrl }: Page): TemplateResult | typeof nothing {
  if (state.snapshot === null || state.evidence.length === 0) return nothing;
  loading ??= import("./panel-element.ts").catch(() => (loading = null)); // The next drawing tries again.
  return html`<outcry-evidence-panel .debate=${state} .pricesUrl=${pricesUrl}></outcry-evidence-panel>`;
}
