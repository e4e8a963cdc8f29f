// A result of which the log has only the first rows.

import type { ResultTable } from "../protocol/events.gen.ts";
import { thousands } from "../shared/format.ts";

/** As the server's tool stores it; values are numbers, texts, truths or null. */
type Stored = { readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[]; readonly truncated: boolean };

/** How many rows are shown, and what is left out. */
export function rowsOf({ rows, total }: ResultTable): string {
  const shown = thousands(rows.length);
  if (total === null) return `The first ${shown} rows; the result was cut off at 10,000 rows or 1 MB`;
  if (total > rows.length) return `The first ${shown} of ${thousands(total)} rows`;
  return total === 1 ? "1 row" : `${shown} rows`;
}

/** Where the whole input or output of a call is. */
export function textUrl(text: string): string {
  return `/api/conversations/texts/${text}`;
}

/** The table with all rows that are stored under the id `text`; the table itself if it is null. Rejects if they cannot be
 * read. */
export async function wholeResult(table: ResultTable, text: string | null): Promise<ResultTable> {
  if (text === null) return table;
  const response = await fetch(textUrl(text));
  if (!response.ok) throw new Error(response.statusText);
  const { rows, truncated } = (await response.json()) as Stored;
  const texts = rows.map((row) => row.map((value) => (value === null ? "" : String(value))));
  return { ...table, rows: texts, total: truncated ? null : rows.length };
}
