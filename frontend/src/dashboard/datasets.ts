// Datasets: files of tables, as the server has read them, and how a column is read in another way.

import { type Outcome, request } from "../shared/http.ts";

/** `note` says what the file does not tell: its decimal mark, or the order of day and month. */
export type Column = {
  readonly name: string;
  readonly label: string;
  readonly type: "text" | "integer" | "decimal" | "float" | "boolean" | "date" | "timestamp";
  readonly decimal: string | null;
  readonly dates: string | null;
  readonly unit: string | null;
  readonly missing: number;
  readonly note: "mark_assumed" | "order_unknown" | null;
};

export type Table = {
  readonly name: string;
  readonly label: string;
  readonly rows: number;
  readonly columns: readonly Column[];
  readonly samples: readonly (readonly unknown[])[];
};

/** A debate that has a dataset. */
export type UsedIn = { readonly id: string; readonly topic: string };

export type Dataset = { readonly id: string; readonly name: string; readonly tables: readonly Table[] };

/** How a column is to be read. */
export type Reading = {
  readonly table: string;
  readonly column: string;
  readonly type: string;
  readonly decimal?: string;
  readonly dates?: string;
};

/** A way of reading that a person can choose; `value` names it in a form. */
type Choice = { readonly value: string; readonly label: string; readonly reading: Omit<Reading, "table" | "column"> };

const TABLE_NAMES = [".csv", ".tsv", ".xlsx", ".parquet", ".jsonl", ".ndjson"];

export const CHOICES: readonly Choice[] = [
  { value: "text", label: "Text", reading: { type: "text" } },
  { value: "integer", label: "Whole number", reading: { type: "integer" } },
  { value: "decimal.", label: "Number, 1,234.5", reading: { type: "decimal", decimal: "." } },
  { value: "decimal,", label: "Number, 1.234,5", reading: { type: "decimal", decimal: "," } },
  { value: "float", label: "Number, 1.2e5", reading: { type: "float" } },
  { value: "boolean", label: "True or false", reading: { type: "boolean" } },
  { value: "dateymd", label: "Date, 2024-12-31", reading: { type: "date", dates: "ymd" } },
  { value: "datedmy", label: "Date, 31/12/2024", reading: { type: "date", dates: "dmy" } },
  { value: "datemdy", label: "Date, 12/31/2024", reading: { type: "date", dates: "mdy" } },
  { value: "timestampymd", label: "Time, 2024-12-31 09:30", reading: { type: "timestamp", dates: "ymd" } },
  { value: "timestampdmy", label: "Time, 31/12/2024 09:30", reading: { type: "timestamp", dates: "dmy" } },
  { value: "timestampmdy", label: "Time, 12/31/2024 09:30", reading: { type: "timestamp", dates: "mdy" } },
];

/** Whether a file of this name is tables, rather than a text. */
export function isTable(name: string): boolean {
  return TABLE_NAMES.some((ending) => name.toLowerCase().endsWith(ending));
}

/** The choice that the column is read by. */
export function chosen({ type, decimal, dates }: Column): string {
  switch (type) {
    case "decimal":
      return `decimal${decimal ?? "."}`;
    case "date":
    case "timestamp":
      return `${type}${dates ?? "ymd"}`;
    default:
      return type;
  }
}

/** The debates that have the dataset, newest first. */
export async function usedIn(api: string, id: string): Promise<Outcome<readonly UsedIn[]>> {
  const outcome = await request<{ readonly debates: readonly UsedIn[] }>("GET", `${api}${id}/`);
  return outcome.problem === null ? { problem: null, body: outcome.body.debates } : outcome;
}

/** Deletes it for good. */
export function deleteDataset(api: string, id: string): Promise<Outcome<unknown>> {
  return request("DELETE", `${api}${id}/`);
}

export function readColumn(api: string, id: string, reading: Reading): Promise<Outcome<Dataset>> {
  return request<Dataset>("PATCH", `${api}${id}/`, { columns: [reading] });
}
