// A person's debates, as the JSON API lists and changes them.

import { type Outcome, request } from "../shared/http.ts";
import type { Mode, Stance, Status } from "../protocol/events.gen.ts";

export type Excerpt = { readonly before: string; readonly hit: string; readonly after: string };

export type Row = {
  readonly id: string;
  readonly topic: string;
  /** The owner's name for it; null for the question. */
  readonly title: string | null;
  readonly pinned: boolean;
  readonly status: Status;
  /** What the page calls the status, if it shows this debate. */
  readonly word?: string;
  readonly mode: Mode;
  readonly verdict: Stance | null;
  readonly verdict_reason: string | null;
  readonly url: string;
  readonly created_at: string;
  readonly excerpt: Excerpt | null;
};

export type Page = {
  readonly count: number;
  readonly page: number;
  readonly pages: number;
  readonly results: readonly Row[];
};

const URL_OF_ALL = "/api/conversations/";

export function list(query: URLSearchParams, page: number): Promise<Outcome<Page>> {
  const parameters = new URLSearchParams(query);
  parameters.set("page", String(page));
  return request("GET", `${URL_OF_ALL}?${parameters}`);
}

export function models(): Promise<Outcome<string[]>> {
  return request("GET", `${URL_OF_ALL}models`);
}

export function change(id: string, changes: { title?: string; pinned?: boolean }): Promise<Outcome<Row>> {
  return request("PATCH", `${URL_OF_ALL}${id}/`, changes);
}

/** The teams that the person has composed. */
export function teams(): Promise<Outcome<{ readonly id: string; readonly name: string }[]>> {
  return request("GET", "/api/panels/");
}

/** A running debate is stopped first. */
export function remove(id: string): Promise<Outcome<{ readonly was_running: boolean }>> {
  return request("DELETE", `${URL_OF_ALL}${id}/`);
}

export function restore(id: string): Promise<Outcome<Row>> {
  return request("POST", `${URL_OF_ALL}${id}/restore`);
}
