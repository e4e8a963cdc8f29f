// The mark behind a demo. It stands still while the page scrolls, so that no part of the debate is without it.

import { type TemplateResult, html } from "lit";

/** Drawn, not a background: a printer leaves backgrounds out. */
export function watermarkTemplate(): TemplateResult {
  return html`<svg class="watermark" data-testid="watermark" aria-hidden="true">
    <pattern id="demo-mark" width="340" height="190" patternUnits="userSpaceOnUse">
      <text x="170" y="105" transform="rotate(-20 170 95)" text-anchor="middle">DEMO</text>
    </pattern>
    <rect width="100%" height="100%" fill="url(#demo-mark)"></rect>
  </svg>`;
}
