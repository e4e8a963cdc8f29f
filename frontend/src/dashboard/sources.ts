// The files of a new debate: each is uploaded when it is added, and the start names their ids. Tables become datasets, all
// other files sources.

import { type Dataset, type Reading, type UsedIn, deleteDataset, isTable, readColumn, usedIn } from "./datasets.ts";
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
  | {
      readonly state: "table";
      readonly dataset: Dataset;
      readonly problem: string;
      readonly isChanging: boolean;
      /** The debates that have it, once a person wants to delete it for good. */
      readonly usedIn: readonly UsedIn[] | null;
    }
  | { readonly state: "uploading"; readonly name: string; readonly progress: number; readonly stop: AbortController }
  | { readonly state: "refused"; readonly name: string; readonly problem: string };

export type TableItem = Extract<Item, { state: "table" }>;

const MAX_SOURCES = 10;
const MEGABYTE = 1024 * 1024;
const MAX_BYTES = 20 * MEGABYTE;

export class Sources {
  #api: string;
  #tables: string;
  #maxTableMb: number;
  #changed: () => void;
  #items = new Map<object, Item>();

  /** `api` and `tables` are the addresses of sources and of datasets. Tables have at most `maxTableMb`. */
  constructor(api: string, tables: string, maxTableMb: number, changed: () => void) {
    this.#api = api;
    this.#tables = tables;
    this.#maxTableMb = maxTableMb;
    this.#changed = changed;
  }

  /** The items by a key that stays the same while an item changes. */
  get items(): readonly (readonly [object, Item])[] {
    return [...this.#items];
  }

  get ready(): Source[] {
    return [...this.#items.values()].flatMap((item) => (item.state === "ready" ? [item.source] : []));
  }

  get datasets(): Dataset[] {
    return [...this.#items.values()].flatMap((item) => (item.state === "table" ? [item.dataset] : []));
  }

  get isUploading(): boolean {
    return [...this.#items.values()].some(({ state }) => state === "uploading");
  }

  /** Shows these instead of all others. */
  replace(sources: readonly Source[], datasets: readonly Dataset[] = []): void {
    for (const item of this.#items.values()) if (item.state === "uploading") item.stop.abort();
    this.#items.clear();
    for (const source of sources) this.#items.set({}, { state: "ready", source });
    for (const dataset of datasets) this.#items.set({}, table(dataset));
  }

  add(files: Iterable<File>): void {
    for (const file of files) {
      const accepted = [...this.#items.values()].filter(({ state }) => state !== "refused").length;
      if (accepted >= MAX_SOURCES) this.#set({}, refused(file.name, `At most ${MAX_SOURCES} files.`));
      else if (isTable(file.name) && file.size <= this.#maxTableMb * MEGABYTE) void this.#upload<Dataset>(file, this.#tables, table);
      else if (isTable(file.name)) this.#set({}, refused(file.name, `Larger than ${this.#maxTableMb} MB.`));
      else if (file.size > MAX_BYTES) this.#set({}, refused(file.name, "Larger than 20 MB."));
      else void this.#upload<Source>(file, this.#api, (source) => ({ state: "ready", source }));
    }
  }

  remove(key: object): void {
    const item = this.#items.get(key);
    if (item?.state === "uploading") item.stop.abort();
    this.#items.delete(key);
    this.#changed();
  }

  /** Reads a column of a dataset in another way. If its values cannot be read so, the dataset stays, with the reason. */
  async read(key: object, reading: Reading): Promise<void> {
    await this.#change(key, ({ dataset }) => readColumn(this.#tables, dataset.id, reading), (_, dataset) => table(dataset));
  }

  /** Asks whether to delete a dataset for good, and says which debates have it. */
  async askToDelete(key: object): Promise<void> {
    await this.#change(key, ({ dataset }) => usedIn(this.#tables, dataset.id), (item, debates) => ({ ...item, usedIn: debates }));
  }

  keep(key: object): void {
    const item = this.#items.get(key);
    if (item?.state === "table") this.#set(key, { ...item, usedIn: null });
  }

  async delete(key: object): Promise<void> {
    await this.#change(key, ({ dataset }) => deleteDataset(this.#tables, dataset.id), () => null);
  }

  /** Shows what a request makes of a dataset: null removes it. If it fails, the dataset stays, with the reason. */
  async #change<Body>(
    key: object,
    send: (item: TableItem) => Promise<Outcome<Body>>,
    changed: (item: TableItem, body: Body) => Item | null,
  ): Promise<void> {
    const before = this.#items.get(key);
    if (before?.state !== "table" || before.isChanging) return;
    this.#set(key, { ...before, problem: "", isChanging: true });
    const outcome = await send(before);
    // It may have been removed in the meantime.
    if (!this.#items.has(key)) return;
    const after = outcome.problem === null ? changed({ ...before, problem: "" }, outcome.body) : { ...before, problem: outcome.problem };
    if (after === null) this.remove(key);
    else this.#set(key, after);
  }

  async #upload<Body>(file: File, url: string, accepted: (body: Body) => Item): Promise<void> {
    const key = {};
    const stop = new AbortController();
    const show = (progress: number): void => {
      if (!stop.signal.aborted) this.#set(key, { state: "uploading", name: file.name, progress, stop });
    };
    show(0);
    const outcome = await upload<Body>(url, file, show, stop.signal);
    if (!stop.signal.aborted) this.#set(key, item(file.name, outcome, accepted));
  }

  #set(key: object, item: Item): void {
    this.#items.set(key, item);
    this.#changed();
  }
}

function item<Body>(name: string, outcome: Outcome<Body>, accepted: (body: Body) => Item): Item {
  if (outcome.problem === null) return accepted(outcome.body);
  // The sentence begins with the name, which stands beside it.
  return refused(name, outcome.problem.replace(`${name}: `, ""));
}

function refused(name: string, problem: string): Item {
  return { state: "refused", name, problem };
}

function table(dataset: Dataset): TableItem {
  return { state: "table", dataset, problem: "", isChanging: false, usedIn: null };
}
