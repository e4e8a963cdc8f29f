// The result of a query: a table to read, to take away as CSV, and to see as a chart.

import { type TemplateResult, html, nothing } from "lit";
import "./result-chart-element.ts";
import type { ResultTable } from "../protocol/events.gen.ts";
import { rowsOf, wholeResult } from "./whole-result.ts";
import { label } from "../shared/format.ts";
import { asCsv, isFigure } from "../shared/tables.ts";

/** `text` is the id of the whole result, if the table has only its beginning. */
export function resultTemplate(table: ResultTable, text: string | null): TemplateResult {
  const figures = table.columns.map((_, place) => isColumnOfFigures(table, place));
  const side = (place: number): "figure" | typeof nothing => (figures[place] ? "figure" : nothing);
  return html`<div class="result" tabindex="0" role="group" aria-label="Result" data-testid="result">
      <table>
        <thead>
          <tr>${table.columns.map((name, place) => html`<th scope="col" class=${side(place)}>${label(name)}</th>`)}</tr>
        </thead>
        <tbody>
          ${table.rows.map((row) => html`<tr>${row.map((cell, place) => html`<td dir="auto" class=${side(place)}>${cell}</td>`)}</tr>`)}
        </tbody>
      </table>
    </div>
    <p class="result-actions">
      <span class="quiet" data-testid="result-rows">${rowsOf(table)}</span>
      <button type="button" @click=${({ target }: Event) => void takeAway(target as HTMLElement, table, text)} data-testid="result-csv">Download CSV</button>
    </p>
    ${table.chart === null ? nothing : html`<outcry-result-chart .table=${table} .text=${text}></outcry-result-chart>`}`;
}

function isColumnOfFigures({ rows }: ResultTable, place: number): boolean {
  const texts = rows.map((row) => row[place] ?? "").filter((text) => text !== "");
  return texts.length > 0 && texts.every(isFigure);
}

/** Saves all rows that are stored. The button says so if they cannot be read. */
async function takeAway(button: HTMLElement, table: ResultTable, text: string | null): Promise<void> {
  try {
    const { columns, rows } = await wholeResult(table, text);
    save(`${asCsv([columns, ...rows])}\r\n`);
    button.textContent = "Download CSV";
  } catch {
    button.textContent = "Not downloaded. Try again";
  }
}

function save(csv: string): void {
  const url = URL.createObjectURL(new Blob([csv], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "result.csv";
  link.click();
  URL.revokeObjectURL(url);
}
