// What a reader can do with a message: copy it, and link to it.

import { type TemplateResult, html } from "lit";
import { copyText } from "../shared/clipboard.ts";
import type { Message } from "../protocol/state.ts";

/** The id of a message's element, which links to it name. */
export function anchorOf(message: string): string {
  return `m-${message}`;
}

export function actionsTemplate({ id, text }: Message): TemplateResult {
  const copies = (what: () => string) => (event: Event) => void copyText(what(), event.currentTarget as HTMLElement);
  const link = (): string => new URL(`#${anchorOf(id)}`, location.href).href;
  return html`<span class="message-actions">
    <button type="button" data-testid="copy-message" title="Copy this message as Markdown" @click=${copies(() => text)}>Copy</button>
    <button type="button" data-testid="copy-link" title="Copy a link to this message" @click=${copies(link)}>Copy link</button>
  </span>`;
}
