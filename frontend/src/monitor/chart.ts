// A line chart of the last minutes as an inline SVG, with a legend, a sentence and a table of the same values.

import { type TemplateResult, html, nothing, svg } from "lit";
import { timeOfDay } from "./data.ts";

export type ChartLine = {
  readonly name: string;
  /** One value for each time; null if it is unknown. */
  readonly values: readonly (number | null)[];
};

export type Chart = {
  readonly id: string;
  readonly title: string;
  readonly times: readonly string[];
  readonly lines: readonly ChartLine[];
  readonly format: (value: number | null) => string;
};

/** Time spans in minutes; the shortest that fits all samples is shown. */
const SPANS = [1, 2, 5, 10];
const MINUTE = 60_000;
/** Units of the SVG, which is stretched to the available width. */
const WIDTH = 600;
const HEIGHT = 100;
/** Samples further apart than this, in milliseconds, are not joined by a line. */
const GAP = 15_000;

export function chartTemplate(chart: Chart): TemplateResult {
  const top = ceiling(Math.max(0, ...chart.lines.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const isEmpty = chart.times.length === 0;
  const span = minutes(chart.times);
  return html`<figure class="chart card" data-testid="chart-${chart.id}">
    <figcaption>
      <h2>${chart.title}</h2>
      <ul class="legend">
        ${chart.lines.map(
          (line, index) => html`<li data-line=${index}>
            <svg viewBox="0 0 18 4" width="18" height="4" aria-hidden="true"><path d="M1 2h16" /></svg>
            <span>${line.name}</span> <b>${chart.format(line.values.at(-1) ?? null)}</b>
          </li>`,
        )}
      </ul>
    </figcaption>
    <div class="plot">
      <div class="scale" aria-hidden="true">
        <span>${chart.format(top)}</span><span>${chart.format(top / 2)}</span><span>${chart.format(0)}</span>
      </div>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${sentence(chart, span)}>
        ${[0, 0.5, 1].map((part) => svg`<path class="grid" d="M0 ${part * HEIGHT}H${WIDTH}" />`)}
        ${chart.lines.map(
          (line, index) => svg`<path class="line" data-line=${index} d=${path(chart.times, line.values, top, span)} />`,
        )}
      </svg>
      ${isEmpty ? html`<p class="waiting">The first sample comes after five seconds.</p>` : nothing}
      <div class="times" aria-hidden="true"><span>${span} min ago</span><span>now</span></div>
    </div>
    <details class="as-table">
      <summary>As a table</summary>
      <div class="scroll" role="region" tabindex="0" aria-label="${chart.title}, as a table">${tableTemplate(chart)}</div>
    </details>
  </figure>`;
}

/** The newest first. */
function tableTemplate({ times, lines, format }: Chart): TemplateResult {
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Time</th>
        ${lines.map(({ name }) => html`<th scope="col">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${times
        .map(
          (time, index) => html`<tr>
            <th scope="row">${timeOfDay(time)}</th>
            ${lines.map(({ values }) => html`<td>${format(values[index] ?? null)}</td>`)}
          </tr>`,
        )
        .reverse()}
    </tbody>
  </table>`;
}

/** The chart as a sentence for screen readers. */
export function sentence({ title, lines, format }: Chart, span: number): string {
  const parts = lines.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${name}: nothing yet`;
    return `${name}: now ${format(values.at(-1) ?? null)}, highest ${format(Math.max(...known))}`;
  });
  return `${title}, over the last ${span === 1 ? "minute" : `${span} minutes`}. ${parts.join("; ")}.`;
}

/** The time span in minutes. */
export function minutes(times: readonly string[]): number {
  const all = times.length === 0 ? 0 : Date.parse(times.at(-1) ?? "") - Date.parse(times[0] ?? "");
  return SPANS.find((span) => span * MINUTE >= all) ?? 10;
}

/** The top of the scale: the smallest 1, 2, 4 or 10 times a power of ten that is at least `value`, and at least 2. */
export function ceiling(value: number): number {
  if (value <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 4, 10].find((step) => step * power >= value) ?? 10);
}

/** The line as an SVG path, with breaks at unknown values. The newest time is at the right edge. */
export function path(
  times: readonly string[],
  values: readonly (number | null)[],
  top: number,
  span: number,
): string {
  const at = times.map((time) => Date.parse(time));
  const end = at.at(-1) ?? 0;
  let steps = "";
  let before: number | null = null;
  for (const [index, value] of values.entries()) {
    const time = at[index] ?? end;
    if (value === null || end - time > span * MINUTE) {
      before = null;
      continue;
    }
    const x = round(WIDTH * (1 - (end - time) / (span * MINUTE)));
    const y = round(HEIGHT * (1 - value / top));
    // A line of no length with a round cap is a dot.
    steps += before === null || time - before > GAP ? `M${x} ${y}h0` : `L${x} ${y}`;
    before = time;
  }
  return steps;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
