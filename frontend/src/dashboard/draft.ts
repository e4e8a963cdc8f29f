// The draft of a new debate, kept in the browser until the debate has started. It survives a reload, a sign-out, an
// expired session and a crash. Each account has its own.

import type { Pasted } from "./composer.ts";
import type { Dataset } from "./datasets.ts";
import type { Source } from "./sources.ts";

export type Draft = {
  readonly text: string;
  /** The question as the person has written it beside the sources; null while it is taken from them. */
  readonly question: string | null;
  readonly pasted: readonly Pasted[];
  readonly sources: readonly Source[];
  /** Missing in a draft of an older version. */
  readonly datasets?: readonly Dataset[];
  /** Values of the other fields by name. */
  readonly options: Readonly<Record<string, string>>;
  /** The idempotency key of a start that has failed, so that a repeated start is not executed twice; else null. */
  readonly key: string | null;
};

/** Delay after the last change, in milliseconds. */
const SAVED_AFTER = 300;

export class DraftStore {
  #storage: Storage | null;
  #key: string;
  #read: (() => Draft) | null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `form` names the form's initial values: a form that was opened with those of an earlier debate has a draft of its
   * own, which lasts as long as its tab. `read` returns what to keep. */
  constructor(user: string, form: string, read: () => Draft) {
    this.#key = `outcry:draft:${user}${form && `:${form}`}`;
    this.#storage = storage(form === "" ? "localStorage" : "sessionStorage");
    this.#read = read;
    document.addEventListener("visibilitychange", () => document.hidden && this.#timer !== undefined && this.save());
  }

  load(): Draft | null {
    try {
      return JSON.parse(this.#storage?.getItem(this.#key) ?? "null") as Draft | null;
    } catch {
      return null;
    }
  }

  saveSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), SAVED_AFTER);
  }

  save(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#read === null) return;
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(this.#read()));
    } catch {
      // The storage is full or blocked: the draft lasts as long as the page.
    }
  }

  /** Removes the draft, and saves none any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#read = null;
    this.#storage?.removeItem(this.#key);
  }
}

function storage(name: "localStorage" | "sessionStorage"): Storage | null {
  try {
    return window[name];
  } catch {
    return null;
  }
}
