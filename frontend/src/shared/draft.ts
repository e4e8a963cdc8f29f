// Drafts: what a person has entered in a form, kept in the browser until it is sent. A draft survives a reload, a
// sign-out, an expired session and a crash.

/** Delay after the last change, in milliseconds. */
const SAVED_AFTER = 300;

export class DraftStore<Draft> {
  #storage: Storage | null;
  #key: string;
  #read: (() => Draft) | null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `name` tells drafts of one site apart; a `passing` one lasts as long as its tab. `read` returns what to keep. */
  constructor(name: string, isPassing: boolean, read: () => Draft) {
    this.#key = `outcry:draft:${name}`;
    this.#storage = storage(isPassing ? "sessionStorage" : "localStorage");
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

  /** Removes the draft. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#storage?.removeItem(this.#key);
  }

  /** Removes the draft, and saves none any more. */
  close(): void {
    this.#read = null;
    this.clear();
  }
}

function storage(name: "localStorage" | "sessionStorage"): Storage | null {
  try {
    return window[name];
  } catch {
    return null;
  }
}
