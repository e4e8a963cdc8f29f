// The API of the teams that people compose.

import { type Outcome, post, request } from "../shared/http.ts";
import type { Saved, Team } from "./team.ts";

const URL_OF_ALL = "/api/panels/";

export function create(team: object): Promise<Outcome<Saved>> {
  return post(URL_OF_ALL, team);
}

/** Stores the next version. Refused with 409 if `version` is not null, and no longer the newest. */
export function change(id: string, team: Team, version: number | null): Promise<Outcome<Saved>> {
  return request("PUT", `${URL_OF_ALL}${id}/${version === null ? "" : `?version=${version}`}`, team);
}

/** Whether the team could be saved; stores nothing. */
export function check(team: Team): Promise<Outcome<object>> {
  return post(`${URL_OF_ALL}check`, team);
}

export function read(id: string): Promise<Outcome<Saved>> {
  return request("GET", `${URL_OF_ALL}${id}/`);
}

export function readVersion(id: string, version: number): Promise<Outcome<Saved>> {
  return request("GET", `${URL_OF_ALL}${id}/versions/${version}/`);
}

export function remove(id: string): Promise<Outcome<object>> {
  return request("DELETE", `${URL_OF_ALL}${id}/`);
}

export function exportUrl(id: string): string {
  return `${URL_OF_ALL}${id}/export`;
}
