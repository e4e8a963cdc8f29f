// One debate of the list.

import { html, nothing, type TemplateResult } from "lit";
import type { Stance, Status } from "../protocol/events.gen.ts";
import type { PageStatus } from "../shared/page-status.ts";
import { dateAndTime, inTimeZone, label } from "../shared/format.ts";
import type { Excerpt, Row } from "./history-api.ts";

const RUNNING = new Set(["queued", "initializing", "active", "paused", "awaiting_input"]);
const STATUS: Readonly<Record<string, string>> = {
  queued: "Queued",
  initializing: "Initializing",
  active: "Live",
  paused: "Paused",
  awaiting_input: "Waiting for you",
  completed: "Complete",
  cancelled: "Stopped",
  error: "Failed",
};
const DAY_MS = 86_400_000;

export type Actions = {
  readonly rename: (row: Row) => void;
  readonly saveName: (row: Row, title: string | null) => void;
  readonly pin: (row: Row) => void;
  readonly remove: (row: Row) => void;
  readonly toggle: (row: Row) => void;
};

export function nameOf(row: Row): string {
  return row.title ?? row.topic;
}

export function isRunning({ status }: { readonly status: string }): boolean {
  return RUNNING.has(status);
}

/** The row of the debate that the page shows: the page knows its status before the list does. */
export function shownRow(row: Row, shown: PageStatus | null): Row {
  if (shown === null) return row;
  const { status, word, verdict, reason } = shown;
  const outcome = verdict === null ? {} : { verdict: verdict as Stance, verdict_reason: reason };
  return { ...row, ...outcome, status: status as Status, word };
}

/** The heading under which a debate is listed. */
export function groupOf(row: Row, now: Date): string {
  if (row.pinned) return "Pinned";
  const days = Math.floor((startOfDay(now) - startOfDay(new Date(row.created_at))) / DAY_MS + 0.5);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  return days < 7 ? "Last 7 days" : days < 30 ? "Last 30 days" : "Older";
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** How long ago, as short as it can be: now, 5 min, 3 h, 2 d, 4 Mar, 4 Mar 2025. */
export function age(at: string, now: Date): string {
  const date = new Date(at);
  const minutes = Math.floor((now.getTime() - date.getTime()) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  if (minutes < 7 * 24 * 60) return `${Math.floor(minutes / (24 * 60))} d`;
  const isThisYear = date.getFullYear() === now.getFullYear();
  const year = isThisYear ? {} : { year: "numeric" as const };
  return date.toLocaleDateString("en-GB", inTimeZone({ day: "numeric", month: "short", ...year }));
}

type Shown = { readonly isOpen: boolean; readonly isRenamed: boolean; readonly isCurrent: boolean; readonly now: Date };

export function rowTemplate(row: Row, shown: Shown, actions: Actions): TemplateResult {
  return html`
    <li class="history-row" data-testid="conversation-row" data-id=${row.id} data-status=${row.status}>
      <div class="history-line">
        ${shown.isRenamed ? renameTemplate(row, actions) : linkTemplate(row, shown)}
        <button type="button" class="more" aria-expanded=${shown.isOpen} aria-label="Actions for ${nameOf(row)}"
          data-testid="row-actions" @click=${() => actions.toggle(row)}>
          <svg viewBox="0 0 16 16" width="16" height="16" fill="currentColor" aria-hidden="true"><circle cx="3" cy="8" r="1.4"/><circle cx="8" cy="8" r="1.4"/><circle cx="13" cy="8" r="1.4"/></svg>
        </button>
      </div>
      ${shown.isOpen ? actionsTemplate(row, actions) : nothing}
    </li>
  `;
}

function linkTemplate(row: Row, { isCurrent, now }: Shown): TemplateResult {
  return html`
    <a href=${row.url} aria-current=${isCurrent ? "page" : nothing}>
      <span class="name" dir="auto">${nameOf(row)}</span>
      <span class="state">
        ${row.pinned ? html`<span class="pin" title="Pinned"><span class="sr-only">Pinned</span>
          <svg viewBox="0 0 16 16" width="11" height="11" fill="currentColor" aria-hidden="true"><path d="M10 1 15 6l-3 .8-2.4 2.4.2 3.3-1.3 1.3-2.7-2.7L2.3 15l-1.2-1.2 3.8-3.5L2.2 7.6l1.3-1.3 3.3.2 2.4-2.4z"/></svg></span>` : nothing}
        ${outcomeTemplate(row)}
        <time datetime=${row.created_at} title=${dateAndTime(row.created_at)}>${age(row.created_at, now)}</time>
      </span>
      ${row.excerpt ? excerptTemplate(row.excerpt) : nothing}
    </a>
  `;
}

function outcomeTemplate({ status, mode, verdict, verdict_reason, word }: Row): TemplateResult {
  const demo = mode === "demo" ? html`<span class="tag tag-demo">Demo</span>` : nothing;
  const hasStance = status === "completed" && verdict !== null;
  if (hasStance && verdict_reason === "test_model") return html`${demo}<span class="stance">Test run</span>`;
  if (hasStance && verdict_reason === "not_a_debate") return html`${demo}<span class="stance">Answered</span>`;
  if (hasStance && verdict !== "no_verdict")
    return html`${demo}<span class="stance" data-stance=${verdict}>${label(verdict)}</span>`;
  const limited = verdict_reason === "budget" ? "Stopped" : undefined;
  const said = word ?? limited ?? STATUS[status] ?? label(status);
  return html`${demo}<span class="status-word" data-status=${status} ?data-stopped=${said === "Stopped"}>${said}</span>`;
}

function excerptTemplate({ before, hit, after }: Excerpt): TemplateResult {
  return html`<span class="excerpt" dir="auto">${unmarked(before)}<mark>${hit}</mark>${unmarked(after)}</span>`;
}

/** A part of a Markdown text without its signs for headings, emphasis, code and tables. */
export function unmarked(text: string): string {
  return text.replace(/\*\*|`|^#+ /gm, "").replaceAll("|", " ");
}

function renameTemplate(row: Row, actions: Actions): TemplateResult {
  const keys = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (event.key === "Enter") actions.saveName(row, (event.target as HTMLInputElement).value);
    if (event.key === "Escape") actions.saveName(row, null);
  };
  return html`
    <input class="input input-sm rename" dir="auto" maxlength="200" aria-label="Name of the debate" placeholder=${row.topic}
      .value=${nameOf(row)} @keydown=${keys} @blur=${(event: Event) => actions.saveName(row, (event.target as HTMLInputElement).value)}>
  `;
}

function actionsTemplate(row: Row, actions: Actions): TemplateResult {
  return html`
    <div class="row-actions" role="group" aria-label="Actions">
      <button type="button" @click=${() => actions.pin(row)}>${row.pinned ? "Unpin" : "Pin"}</button>
      <button type="button" @click=${() => actions.rename(row)}>Rename</button>
      <button type="button" class="danger" @click=${() => actions.remove(row)}>${isRunning(row) ? "Stop and delete" : "Delete"}</button>
    </div>
  `;
}
