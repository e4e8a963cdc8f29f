// The rows of the list: loaded page by page, refreshed while a debate runs, changed at once and by the server later.

import type { Outcome } from "../shared/http.ts";
import { change, list, models, type Page, remove, restore, type Row, teams } from "./history-api.ts";
import { isRunning } from "./row.ts";

/** How long a deletion can be undone, unless its notice is dismissed before. */
const UNDO_MS = 10_000;

export type Deleted = { readonly row: Row; readonly wasRunning: boolean };

export class HistoryList {
  rows: readonly Row[] = [];
  count = 0;
  isLoading = true;
  /** A sentence for a person; "" if all went well. */
  problem = "";
  deleted: Deleted | null = null;
  models: readonly string[] = [];
  /** The person's own teams: ids and names. */
  teams: readonly (readonly [string, string])[] = [];
  #query = new URLSearchParams();
  #page = 0;
  #pages = 1;
  /** The newest request; older answers are dropped. */
  #request = 0;
  #undo: ReturnType<typeof setTimeout> | undefined;
  readonly #draw: () => void;
  readonly #settled: (row: Row) => void;

  /** `settled` is called when the notice of a deletion is gone. */
  constructor(draw: () => void, settled: (row: Row) => void) {
    this.#draw = draw;
    this.#settled = settled;
  }

  get hasMore(): boolean {
    return this.#page < this.#pages;
  }

  async search(query: URLSearchParams): Promise<void> {
    this.#query = query;
    this.isLoading = true;
    this.#draw();
    await this.#load(1, (page) => page.results);
  }

  async more(): Promise<void> {
    // A refresh meanwhile would drop the answer.
    this.isLoading = true;
    // Debates that were started since have moved the pages: a debate may come twice.
    await this.#load(this.#page + 1, (page) => merged(this.rows, page.results));
  }

  /** Fetches the newest page again if a debate of it runs. */
  async refresh(): Promise<void> {
    if (this.isLoading || !this.rows.some(isRunning)) return;
    const pages = this.#page;
    await this.#load(1, (page) => merged(page.results, this.rows), { isAsked: false });
    this.#page = Math.max(pages, this.#page);
  }

  /** Loads what the list can be filtered by. */
  async loadChoices(): Promise<void> {
    const [spoken, composed] = await Promise.all([models(), teams()]);
    if (spoken.problem === null) this.models = spoken.body;
    if (composed.problem === null) this.teams = composed.body.map(({ id, name }) => [id, name]);
    this.#draw();
  }

  async change(row: Row, changes: { title?: string; pinned?: boolean }): Promise<void> {
    const answer = await change(row.id, changes);
    if (this.#failed(answer)) return;
    await this.search(this.#query);
  }

  async remove(row: Row): Promise<void> {
    this.dismiss();
    const answer = await remove(row.id);
    if (this.#failed(answer)) return;
    this.rows = this.rows.filter(({ id }) => id !== row.id);
    this.count -= 1;
    this.deleted = { row, wasRunning: answer.body.was_running };
    this.#undo = setTimeout(() => this.dismiss(), UNDO_MS);
    this.#draw();
  }

  async undo(): Promise<void> {
    clearTimeout(this.#undo);
    const deleted = this.deleted;
    this.deleted = null;
    if (deleted === null || this.#failed(await restore(deleted.row.id))) return;
    await this.search(this.#query);
  }

  /** The last deletion stands. */
  dismiss(): void {
    clearTimeout(this.#undo);
    if (this.deleted) this.#settled(this.deleted.row);
    this.deleted = null;
    this.#draw();
  }

  /** A failure of what nobody asked for is not shown. */
  async #load(number: number, rows: (page: Page) => readonly Row[], { isAsked } = { isAsked: true }): Promise<void> {
    const request = ++this.#request;
    const answer = await list(this.#query, number);
    if (request !== this.#request) return;
    this.isLoading = false;
    if (answer.problem !== null && !isAsked) return;
    if (this.#failed(answer)) return;
    this.rows = rows(answer.body);
    this.count = answer.body.count;
    this.#page = number;
    this.#pages = answer.body.pages;
    this.#draw();
  }

  #failed<Body>(answer: Outcome<Body>): answer is Extract<Outcome<Body>, { problem: string }> {
    this.problem = answer.problem ?? "";
    if (answer.problem !== null) this.#draw();
    return answer.problem !== null;
  }
}

/** The first rows, then those of the others that are not among them. */
function merged(first: readonly Row[], others: readonly Row[]): readonly Row[] {
  const ids = new Set(first.map(({ id }) => id));
  return [...first, ...others.filter(({ id }) => !ids.has(id))];
}
