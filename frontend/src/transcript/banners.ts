// Announcements of operators and refusals of the server. Each stays until it is dismissed.

import { type TemplateResult, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";

export type Banner = { readonly id: number; readonly text: string; readonly kind: "notice" | "refusal" };

/** More would push the debate off the screen; the oldest ones are removed. */
const MAX_BANNERS = 5;

export function withBanner(banners: readonly Banner[], text: string, kind: Banner["kind"]): readonly Banner[] {
  const id = (banners.at(-1)?.id ?? 0) + 1;
  const others = banners.filter((banner) => banner.text !== text || banner.kind !== kind);
  return [...others, { id, text, kind }].slice(-MAX_BANNERS);
}

/** `first` is shown above the banners, and cannot be dismissed. */
export function bannersTemplate(
  first: TemplateResult | typeof nothing,
  banners: readonly Banner[],
  dismiss: (id: number) => void,
): TemplateResult {
  const banner = ({ id, text, kind }: Banner): TemplateResult => html`
    <div class="banner" data-kind=${kind} data-testid="notice">
      <p><span class="from">${kind === "notice" ? "Notice from the operator" : "Not done"}</span> ${text}</p>
      ${dismissTemplate(`Dismiss: ${text}`, () => dismiss(id), "notice-dismiss")}
    </div>
  `;
  // The region exists before its first text, because screen readers announce only what is added to it.
  return html`<div class="banners">
    ${first}
    <div role="status" data-testid="banners">${repeat(banners, ({ id }) => id, banner)}</div>
  </div>`;
}

export function dismissTemplate(label: string, dismiss: () => void, testId: string): TemplateResult {
  return html`<button type="button" class="dismiss" aria-label=${label} title="Dismiss" data-testid=${testId} @click=${dismiss}>
    <svg viewBox="0 0 12 12" width="12" height="12" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" aria-hidden="true"><path d="m2 2 8 8M10 2l-8 8"/></svg>
  </button>`;
}
