// The menu with which people take a debate away: as a file, or on paper.

import { type TemplateResult, html } from "lit";

const FILES = [
  ["md", "Markdown"],
  ["json", "JSON, all events"],
  ["csv", "Tables as CSV"],
] as const;

/** `apiUrl` is the debate's prefix in the API. A popover opens and closes without a script. */
export function exportMenuTemplate(apiUrl: string): TemplateResult {
  return html`<button type="button" class="btn btn-outline btn-sm export-button" popovertarget="export-menu" data-testid="export">
      Export
    </button>
    <div class="account-menu export-menu" id="export-menu" popover>
      <ul>
        ${FILES.map(
          ([format, label]) =>
            html`<li><a href="${apiUrl}export?format=${format}" download data-testid="export-${format}">${label}</a></li>`,
        )}
        <li><button type="button" data-testid="export-print" @click=${print}>Print or save as PDF</button></li>
      </ul>
    </div>`;
}

function print({ currentTarget }: MouseEvent): void {
  // An open popover would be printed, too.
  if (currentTarget instanceof Element) currentTarget.closest<HTMLElement>("[popover]")?.hidePopover();
  window.print();
}
