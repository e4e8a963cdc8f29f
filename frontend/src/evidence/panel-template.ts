// Loads the panel with the first record.

import { type TemplateResult, html, nothing } from "lit";
import type { Page } from "../client/page-data.ts";
import type { State } from "../protocol/state.ts";
import { loadProblem } from "../shared/lazy.ts";

let loading: Promise<unknown> | null = null;
let hasFailed = false;

/** `redraw` draws the page once more. */
export function evidencePanelTemplate(state: State, { pricesUrl }: Page, redraw: () => void): TemplateResult | typeof nothing {
  if (state.snapshot === null || state.evidence.length === 0) return nothing;
  const told = (failed: boolean): void => {
    hasFailed = failed;
    if (failed) loading = null;
    redraw();
  };
  if (hasFailed) return loadProblem("The evidence", () => told(false));
  loading ??= import("./panel-element.ts").catch(() => told(true));
  return html`<outcry-evidence-panel .debate=${state} .pricesUrl=${pricesUrl}></outcry-evidence-panel>`;
}
