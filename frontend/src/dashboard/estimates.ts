// The estimate of the form that starts a debate.

import type { Estimate } from "../shared/estimate.ts";
import { post } from "../shared/http.ts";

/** Delay after the last change, in milliseconds. */
const DEBOUNCE = 400;

/** Keeps the estimate of a form up to date. */
export class Estimates {
  /** For the form as it is; null while there is none. */
  current: Estimate | null = null;

  #api: string;
  #values: () => Record<string, unknown> | null;
  #changed: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #latest = 0;

  /** `values` returns null if there is nothing to estimate. `changed` is called when `current` has changed. */
  constructor(api: string, values: () => Record<string, unknown> | null, changed: () => void) {
    this.#api = api;
    this.#values = values;
    this.#changed = changed;
  }

  /** The form has changed. */
  refreshSoon(): void {
    clearTimeout(this.#timer);
    this.#latest += 1;
    this.#timer = setTimeout(() => void this.#refresh(this.#latest), DEBOUNCE);
  }

  async #refresh(request: number): Promise<void> {
    const body = this.#values();
    const outcome = body && (await post<Estimate>(this.#api, body));
    // The form may have changed since; the start reports problems.
    if (request !== this.#latest) return;
    this.current = outcome?.problem === null ? outcome.body : null;
    this.#changed();
  }
}
