// The list of a person's debates, in the sidebar of every page.

import { html, nothing, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { type PageStatus, onStatus } from "../shared/page-status.ts";
import { PageElement, pageData } from "../shared/page-element.ts";
import { every } from "../shared/timers.ts";
import { countOf, type Filters, filtersTemplate, parameters } from "./filters.ts";
import type { Row } from "./history-api.ts";
import { HistoryList } from "./history-list.ts";
import { type Actions, groupOf, isRunning, nameOf, rowTemplate, shownRow } from "./row.ts";

const REFRESH_MS = 4_000;
/** Pause in typing after which the server is asked. */
const TYPING_MS = 200;

/** The organisation that the page is about. */
type Organisation = { readonly id: string; readonly name: string; readonly settingsUrl: string; readonly personalUrl: string };
type Data = { readonly organisation: Organisation | null; readonly newUrl: string; readonly teamsUrl: string; readonly sampleUrl: string; readonly panels: readonly [string, string][] };

function scope({ name, settingsUrl, personalUrl }: Organisation): TemplateResult {
  return html`<p class="scope" data-testid="scope"><a href=${settingsUrl} dir="auto">${name}</a> <a class="quiet" href=${personalUrl}>Personal</a></p>`;
}

@customElement("outcry-history")
export class HistoryElement extends PageElement {
  #data!: Data;
  #list = new HistoryList(
    () => this.requestUpdate(),
    (row) => this.#leave(row),
  );
  #search = "";
  #filters: Filters = {};
  #open: string | null = null;
  #renamed: string | null = null;
  /** Of the debate that this page shows. */
  #status: PageStatus | null = null;
  #typing: ReturnType<typeof setTimeout> | undefined;
  /** Whether the focus was in the notice of a deletion before this drawing. */
  #wasInNotice = false;

  protected override entered(signal: AbortSignal): void {
    this.#data ??= pageData<Data>(this);
    this.#ask();
    onStatus((shown) => this.#follow(shown), signal);
    every(REFRESH_MS, () => document.hidden || void this.#list.refresh(), signal);
    this.addEventListener("keydown", (event) => this.#move(event), { signal });
  }

  protected override render(): TemplateResult {
    const count = countOf(this.#filters);
    return html`
      ${this.#data.organisation ? scope(this.#data.organisation) : nothing}
      <a class="btn btn-primary btn-sm new-debate" href=${this.#data.newUrl}>New debate</a>
      <a class="teams-link" href=${this.#data.teamsUrl} aria-current=${location.pathname === this.#data.teamsUrl ? "page" : nothing} data-testid="teams-link">
        <svg viewBox="0 0 16 16" width="15" height="15" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" aria-hidden="true"><circle cx="6" cy="5.5" r="2.5"/><path d="M1.5 13.5c.4-2.6 2.2-4 4.5-4s4.1 1.4 4.5 4M10.5 3.2a2.5 2.5 0 0 1 0 4.6M12.3 9.9c1.2.6 2 1.8 2.2 3.6"/></svg>
        Teams
      </a>
      <label class="search">
        <span class="sr-only">Search debates</span>
        <svg viewBox="0 0 16 16" width="14" height="14" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" aria-hidden="true"><circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 4 4"/></svg>
        <input class="input input-sm" type="search" placeholder="Search" maxlength="200" data-testid="history-search"
          aria-keyshortcuts="/ Control+K Meta+K" .value=${this.#search} @input=${this.#typed}>
        <kbd aria-hidden="true">${isApple() ? "⌘K" : "Ctrl K"}</kbd>
      </label>
      <details class="filter-box" @toggle=${this.#loadChoices}>
        <summary>Filter and sort${count > 0 ? html` <span class="set">${count} set</span>` : nothing}</summary>
        ${filtersTemplate(this.#filters, this.#list.models, [...this.#data.panels, ...this.#list.teams], this.#set)}
        ${count > 0 ? html`<button type="button" class="clear" @click=${this.#clear}>Clear filters</button>` : nothing}
      </details>
      <nav class="history-list" tabindex="-1" aria-label="Debates" data-testid="conversation-list">${this.#listTemplate()}</nav>
      ${this.#noticeTemplate()}
    `;
  }

  #listTemplate(): TemplateResult {
    const { rows, isLoading, problem, hasMore, count } = this.#list;
    const isFiltered = this.#search.trim() !== "" || countOf(this.#filters) > 0;
    return html`
      <p class="sr-only" role="status">${isLoading || !isFiltered ? "" : found(count)}</p>
      ${problem ? html`<p class="field-error" role="alert">${problem}</p>` : nothing}
      ${rows.length === 0 && !isLoading && !problem ? this.#emptyTemplate(isFiltered) : nothing}
      <ol aria-busy=${isLoading}>
        ${repeat(rows, (row) => row.id, (row, index) => this.#rowTemplate(row, rows[index - 1]))}
      </ol>
      ${hasMore && rows.length > 0 ? html`<button type="button" class="show-more" @click=${() => this.#list.more()}>Show more</button>` : nothing}
    `;
  }

  #rowTemplate(row: Row, before: Row | undefined): TemplateResult {
    const now = new Date();
    const sort = this.#filters["sort"] ?? "newest";
    const group = (of: Row): string => (sort === "newest" ? groupOf(of, now) : of.pinned ? "Pinned" : "Others");
    const heading = before && group(before) === group(row) ? nothing : html`<li class="group">${group(row)}</li>`;
    const shown = {
      isOpen: this.#open === row.id,
      isRenamed: this.#renamed === row.id,
      isCurrent: location.pathname === row.url,
      now,
    };
    return html`${heading}${rowTemplate(shown.isCurrent ? shownRow(row, this.#status) : row, shown, this.#actions)}`;
  }

  #emptyTemplate(isFiltered: boolean): TemplateResult {
    if (isFiltered) return html`<p class="nothing">No debate found.</p>`;
    return html`<p class="nothing">Your debates will be listed here.
      ${this.#data.sampleUrl ? html`<a href=${this.#data.sampleUrl}>See a sample</a>` : nothing}</p>`;
  }

  #noticeTemplate(): TemplateResult {
    const { deleted } = this.#list;
    return html`<div class="undo-notice" role="status">
      ${deleted === null ? nothing : html`
        <p>${deleted.wasRunning ? "Stopped and deleted" : "Deleted"}: <bdi>${nameOf(deleted.row)}</bdi></p>
        <button type="button" data-testid="undo-delete" @click=${() => this.#undo(deleted.row)}>Undo</button>
        <button type="button" aria-label="Dismiss" @click=${() => this.#list.dismiss()}>×</button>`}
    </div>`;
  }

  readonly #actions: Actions = {
    toggle: (row) => this.#show(this.#open === row.id ? null : row.id, null),
    rename: async (row) => {
      this.#show(row.id, row.id);
      await this.updateComplete;
      this.querySelector<HTMLInputElement>(".rename")?.select();
    },
    saveName: async (row, title) => {
      // Enter also takes the focus away.
      if (this.#renamed !== row.id) return;
      this.#show(null, null);
      if (title !== null && title.trim() !== nameOf(row))
        await this.#list.change(row, { title: title.trim() === row.topic ? "" : title });
      await this.updateComplete;
      this.#linkOf(row)?.focus();
    },
    pin: async (row) => {
      this.#show(null, null);
      await this.#list.change(row, { pinned: !row.pinned });
      await this.updateComplete;
      this.#linkOf(row)?.focus();
    },
    remove: async (row) => {
      this.#show(null, null);
      await this.#list.remove(row);
      await this.updateComplete;
      this.querySelector<HTMLElement>("[data-testid=undo-delete]")?.focus();
    },
  };

  protected override willUpdate(): void {
    this.#wasInNotice = this.querySelector(".undo-notice:focus-within") !== null;
  }

  /** The notice may go by itself, with the focus in it. */
  protected override updated(): void {
    if (this.#wasInNotice && document.activeElement === document.body) this.querySelector<HTMLElement>("nav")?.focus();
  }

  async #undo(row: Row): Promise<void> {
    await this.#list.undo();
    await this.updateComplete;
    this.#linkOf(row)?.focus();
  }

  #follow(shown: PageStatus): void {
    this.#status = shown;
    this.requestUpdate();
    if (!isRunning(shown)) void this.#list.refresh();
  }

  #show(open: string | null, renamed: string | null): void {
    this.#open = open;
    this.#renamed = renamed;
    this.requestUpdate();
  }

  /** A page must not show a debate that is deleted. */
  #leave(row: Row): void {
    if (location.pathname === row.url) location.assign(this.#data.newUrl);
  }

  #linkOf(row: Row): HTMLElement | null {
    return this.querySelector(`[data-id="${CSS.escape(row.id)}"] a`);
  }

  #typed = (event: Event): void => {
    this.#search = (event.target as HTMLInputElement).value;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(this.#ask, TYPING_MS);
  };

  #set = (name: string, value: string): void => {
    this.#filters = { ...this.#filters, [name]: value };
    this.#ask();
  };

  #clear = (): void => {
    this.#filters = { sort: this.#filters["sort"] ?? "newest" };
    this.#ask();
    this.querySelector<HTMLElement>(".filter-box summary")?.focus();
  };

  #ask = (): void => {
    const query = parameters(this.#search, this.#filters);
    if (this.#data.organisation) query.set("organisation", this.#data.organisation.id);
    void this.#list.search(query);
  };

  #loadChoices = (event: Event): void => {
    if ((event.target as HTMLDetailsElement).open) void this.#list.loadChoices();
  };

  /** Arrow keys go through the list, from the search and back to it. */
  #move(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const search = this.querySelector<HTMLInputElement>("[type=search]");
    if (event.key === "Escape" && target === search && this.#search) {
      this.#search = "";
      this.#ask();
      event.stopPropagation();
      return;
    }
    const links = [...this.querySelectorAll<HTMLElement>(".history-row a")];
    const at = links.indexOf(target);
    if (at < 0 && target !== search) return;
    const to: Record<string, HTMLElement | null | undefined> = {
      ArrowDown: links[at + 1],
      ArrowUp: at > 0 ? links[at - 1] : search,
      ...(at >= 0 && { Home: links[0], End: links.at(-1) }),
    };
    if (!(event.key in to)) return;
    event.preventDefault();
    to[event.key]?.focus();
  }
}

function found(count: number): string {
  return count === 1 ? "1 debate found" : `${count} debates found`;
}

function isApple(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.platform);
}
