// A result of which the log has only the first rows.

import type { ResultTable } from "../protocol/events.gen.ts";

/** As the server's tool stores it; values are numbers, texts, truths or null. */
type Stored = { readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[]; readonly truncated: boolean };

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
