// The filters and the order of the list, as parameters of the API.

import { html, nothing, type TemplateResult } from "lit";
import { modelName } from "../shared/format.ts";

type Choice = readonly [value: string, label: string];

const STATUSES: Readonly<Record<string, readonly string[]>> = {
  running: ["queued", "initializing", "active", "paused", "awaiting_input"],
  completed: ["completed"],
  cancelled: ["cancelled"],
  error: ["error"],
};
const ANY: Choice = ["", "Any"];
const STATUS: readonly Choice[] = [
  ANY,
  ["running", "Running"],
  ["completed", "Complete"],
  ["cancelled", "Stopped"],
  ["error", "Failed"],
];
const VERDICT: readonly Choice[] = [
  ANY,
  ["strong_buy", "Strong buy"],
  ["buy", "Buy"],
  ["hold", "Hold"],
  ["sell", "Sell"],
  ["strong_sell", "Strong sell"],
  ["no_verdict", "No verdict"],
];
const MODE: readonly Choice[] = [ANY, ["live", "Live"], ["demo", "Demo"]];
const SORT: readonly Choice[] = [["newest", "Newest"], ["oldest", "Oldest"], ["title", "Title"], ["cost", "Cost"]];

export type Filters = Readonly<Record<string, string>>;

/** The parameters of the API. A date is a day of the person's own time zone. */
export function parameters(search: string, filters: Filters): URLSearchParams {
  const query = new URLSearchParams();
  if (search.trim()) query.set("q", search.trim());
  for (const [name, value] of Object.entries(filters)) {
    if (!value) continue;
    if (name === "status") for (const status of STATUSES[value] ?? []) query.append(name, status);
    else if (name === "from") query.set(name, new Date(`${value}T00:00:00`).toISOString());
    else if (name === "to") query.set(name, new Date(`${value}T23:59:59.999`).toISOString());
    else query.set(name, value);
  }
  return query;
}

/** How many filters are set; the order is none. */
export function countOf(filters: Filters): number {
  return Object.entries(filters).filter(([name, value]) => value && name !== "sort").length;
}

export function filtersTemplate(
  filters: Filters,
  models: readonly string[],
  panels: readonly Choice[],
  set: (name: string, value: string) => void,
): TemplateResult {
  const select = (name: string, title: string, choices: readonly Choice[]): TemplateResult => html`
    <label>
      <span>${title}</span>
      <select class="select select-sm" name=${name} @change=${(event: Event) => set(name, (event.target as HTMLSelectElement).value)}>
        ${choices.map(([value, text]) => html`<option value=${value} ?selected=${(filters[name] ?? "") === value}>${text}</option>`)}
      </select>
    </label>
  `;
  const date = (name: string, title: string): TemplateResult => html`
    <label>
      <span>${title}</span>
      <input class="input input-sm" type="date" name=${name} .value=${filters[name] ?? ""}
        @change=${(event: Event) => set(name, (event.target as HTMLInputElement).value)}>
    </label>
  `;
  return html`
    <div class="filters" role="group" aria-label="Filters">
      ${select("status", "Status", STATUS)} ${select("verdict", "Verdict", VERDICT)}
      ${select("model", "Model", [ANY, ...models.map((model): Choice => [model, modelName(model)])])}
      ${select("mode", "Mode", MODE)} ${panels.length > 1 ? select("panel", "Team", [ANY, ...panels]) : nothing}
      ${date("from", "From")} ${date("to", "To")} ${select("sort", "Sort by", SORT)}
    </div>
  `;
}
