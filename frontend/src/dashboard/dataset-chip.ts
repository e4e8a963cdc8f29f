// The chip of a dataset: its tables, and when opened its columns with their types, which a person can correct, and its
// first rows.

import { type TemplateResult, html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { CHOICES, type Column, type Dataset, type Reading, type Table, chosen } from "./datasets.ts";
import type { TableItem } from "./sources.ts";
import { thousands } from "../shared/format.ts";

type Read = (reading: Reading) => void;

export type Actions = { readonly read: Read; readonly askToDelete: () => void; readonly keep: () => void; readonly delete: () => void };

/** Debates that are named before their data is deleted. */
const MAX_NAMED = 5;

const NOTES = {
  mark_assumed: "Read with a decimal point. The file does not tell.",
  order_unknown: "Kept as text: the file does not tell day from month.",
};

export function datasetTemplate(
  item: TableItem,
  remove: TemplateResult,
  actions: Actions,
): TemplateResult {
  const { dataset, problem, isChanging } = item;
  return html`<li class="chip dataset" data-state="ready" data-testid="dataset" aria-busy=${isChanging}>
    <details>
      <summary><span class="name" dir="auto">${dataset.name}</span> <span class="quiet">${sizeOf(dataset)}</span></summary>
      ${problem === "" ? nothing : html`<p class="field-error" role="alert">${problem}</p>`}
      ${dataset.tables.map((table) => tableTemplate(table, isChanging, actions.read))}
      ${deletionTemplate(item, actions)}
    </details>
    ${remove}
  </li>`;
}

/** Deletes the data for good, once a person has read which debates lose it. */
function deletionTemplate({ dataset, isChanging, usedIn }: TableItem, actions: Actions): TemplateResult {
  if (usedIn === null) {
    return html`<p class="deletion">
      <button type="button" class="link" ?disabled=${isChanging} @click=${actions.askToDelete} data-testid="dataset-delete">Delete this data…</button>
    </p>`;
  }
  const more = usedIn.length - MAX_NAMED;
  return html`<div class="deletion" role="group" aria-label="Delete ${dataset.name}" data-testid="dataset-deletion">
    <p>Delete <bdi>${dataset.name}</bdi> for good? ${usedIn.length === 0 ? "No debate has used it." : `What was said in the debates that used it stays, but their tables are gone:`}</p>
    ${usedIn.length === 0 ? nothing : html`<ul>
      ${usedIn.slice(0, MAX_NAMED).map(({ id, topic }) => html`<li><a class="link" href="/conversations/${id}/" target="_blank" dir="auto">${topic}</a></li>`)}
      ${more > 0 ? html`<li class="quiet">and ${more} more</li>` : nothing}
    </ul>`}
    <p>
      <button type="button" class="btn btn-error btn-sm" ?disabled=${isChanging} @click=${actions.delete} data-testid="dataset-delete-confirm">Delete for good</button>
      <button type="button" class="btn btn-ghost btn-sm" @click=${actions.keep}>Keep it</button>
    </p>
  </div>`;
}

function tableTemplate(table: Table, isChanging: boolean, read: Read): TemplateResult {
  return html`<div class="rows" tabindex="0" role="region" aria-label="Columns of ${table.label}">
    <table>
      <caption><code>${table.name}</code> ${rowsOf(table)}</caption>
      <thead>
        <tr>${table.columns.map((column) => headTemplate(table, column, isChanging, read))}</tr>
      </thead>
      <tbody>
        ${table.samples.map((row) => html`<tr>${row.map((value) => html`<td dir="auto">${value === null ? "" : String(value)}</td>`)}</tr>`)}
      </tbody>
    </table>
  </div>`;
}

function headTemplate(table: Table, column: Column, isChanging: boolean, read: Read): TemplateResult {
  const value = chosen(column);
  // The form draws everything anew at "input", which comes before "change".
  const choose = ({ target }: Event): void => {
    const select = target as HTMLSelectElement;
    const choice = CHOICES.find((each) => each.value === select.value);
    if (choice) read({ table: table.name, column: column.name, ...choice.reading });
    // The old choice is shown until the server has read the column in the new way.
    select.value = value;
  };
  return html`<th scope="col">
    <span dir="auto">${column.label}${column.unit === null ? nothing : ` (${column.unit})`}</span>
    <select class="select select-sm" aria-label="Type of ${column.label}" .value=${live(value)} ?disabled=${isChanging} @input=${choose}>
      ${CHOICES.map((choice) => html`<option value=${choice.value} ?selected=${choice.value === value}>${choice.label}</option>`)}
    </select>
    ${column.note === null ? nothing : html`<span class="note">${NOTES[column.note]}</span>`}
    ${column.missing === 0 ? nothing : html`<span class="quiet">${thousands(column.missing)} empty</span>`}
  </th>`;
}

function sizeOf({ tables }: Dataset): string {
  const [first] = tables;
  if (tables.length !== 1 || first === undefined) return `${thousands(tables.length)} tables`;
  return `${rowsOf(first)}, ${first.columns.length === 1 ? "1 column" : `${thousands(first.columns.length)} columns`}`;
}

function rowsOf({ rows }: Table): string {
  return rows === 1 ? "1 row" : `${thousands(rows)} rows`;
}
