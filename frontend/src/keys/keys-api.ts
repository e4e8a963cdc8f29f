// Requests about API keys.

import type { ApiKey, KeysPage, NewKey } from "./keys-data.ts";
import { UNREACHABLE, refusal, send } from "../shared/http.ts";

/** Why it was refused: a sentence, and sentences by the field they are about. */
export type Refused = { readonly message: string; readonly fields: Readonly<Record<string, string>> };

export type Wish = { readonly name: string; readonly scopes: readonly string[]; readonly expires_at: string | null };

export class KeysApi {
  readonly #page: KeysPage;

  constructor(page: KeysPage) {
    this.#page = page;
  }

  create(wish: Wish): Promise<NewKey | Refused> {
    return this.#made(this.#page.apiUrl, wish);
  }

  rotate(key: ApiKey): Promise<NewKey | Refused> {
    return this.#made(`${this.#page.apiUrl}${key.id}/rotate`, {});
  }

  /** Null when it is done. One that is gone already is done, too. */
  async revoke(key: ApiKey): Promise<Refused | null> {
    const headers = { "X-CSRFToken": this.#page.csrfToken };
    try {
      const response = await fetch(`${this.#page.apiUrl}${key.id}/`, { method: "DELETE", headers });
      return response.ok || response.status === 404 ? null : refused(response);
    } catch {
      return unreachable();
    }
  }

  async #made(url: string, body: object): Promise<NewKey | Refused> {
    try {
      const response = await send(url, this.#page.csrfToken, body);
      return response.ok ? ((await response.json()) as NewKey) : await refused(response);
    } catch {
      return unreachable();
    }
  }
}

async function refused(response: Response): Promise<Refused> {
  const fields: Record<string, string> = {};
  if (response.status === 422) {
    const body: { errors?: readonly { field: string; message: string }[] } = await response.clone().json();
    for (const { field, message } of body.errors ?? []) fields[field] = message;
  }
  return { message: await refusal(response), fields };
}

function unreachable(): Refused {
  return { message: UNREACHABLE, fields: {} };
}
