// The files of a new debate: each is uploaded when it is added, and the start names their ids.

import { type Outcome, upload } from "../shared/http.ts";

/** An uploaded file, as the server knows it. `pages` is null where the type has none. */
export type Source = {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly characters: number;
  readonly pages: number | null;
};

/** `problem` is a sentence on why the file was refused. `progress` is from 0 to 1. */
export type Item =
  | { readonly state: "ready"; readonly source: Source }
  | { readonly state: "uploading"; readonly name: string; readonly progress: number; readonly stop: AbortController }
  | { readonly state: "refused"; readonly name: string; readonly problem: string };

const MAX_SOURCES = 10;
const MAX_BYTES = 20 * 1024 * 1024;

export class Sources {
  #api: string;
  #changed: () => void;
  #items = new Map<object, Item>();

  constructor(api: string, changed: () => void) {
    this.#api = api;
    this.#changed = changed;
  }

  /** The items by a key that stays the same while an item changes. */
  get items(): readonly (readonly [object, Item])[] {
    return [...this.#items];
  }

  get ready(): Source[] {
    return [...this.#items.values()].flatMap((item) => (item.state === "ready" ? [item.source] : []));
  }

  get isUploading(): boolean {
    return [...this.#items.values()].some(({ state }) => state === "uploading");
  }

  /** Shows these instead of all others. */
  replace(sources: readonly Source[]): void {
    for (const item of this.#items.values()) if (item.state === "uploading") item.stop.abort();
    this.#items.clear();
    for (const source of sources) this.#items.set({}, { state: "ready", source });
  }

  add(files: Iterable<File>): void {
    for (const file of files) {
      const accepted = [...this.#items.values()].filter(({ state }) => state !== "refused").length;
      if (accepted >= MAX_SOURCES) this.#set({}, refused(file.name, `At most ${MAX_SOURCES} files.`));
      else if (file.size > MAX_BYTES) this.#set({}, refused(file.name, "Larger than 20 MB."));
      else void this.#upload(file);
    }
  }

  remove(key: object): void {
    const item = this.#items.get(key);
    if (item?.state === "uploading") item.stop.abort();
    this.#items.delete(key);
    this.#changed();
  }

  async #upload(file: File): Promise<void> {
    const key = {};
    const stop = new AbortController();
    const show = (progress: number): void => {
      if (!stop.signal.aborted) this.#set(key, { state: "uploading", name: file.name, progress, stop });
    };
    show(0);
    const outcome = await upload<Source>(this.#api, file, show, stop.signal);
    if (!stop.signal.aborted) this.#set(key, item(file.name, outcome));
  }

  #set(key: object, item: Item): void {
    this.#items.set(key, item);
    this.#changed();
  }
}

function item(name: string, outcome: Outcome<Source>): Item {
  if (outcome.problem === null) return { state: "ready", source: outcome.body };
  // The sentence begins with the name, which stands beside it.
  return refused(name, outcome.problem.replace(`${name}: `, ""));
}

function refused(name: string, problem: string): Item {
  return { state: "refused", name, problem };
}
