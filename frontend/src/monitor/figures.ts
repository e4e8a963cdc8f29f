// The figures at the top of the monitor.

import { type TemplateResult, html } from "lit";
import { type Overview, milliseconds, rate } from "./data.ts";
import { count, label } from "../shared/format.ts";

export function figuresTemplate(overview: Overview): TemplateResult {
  const { connections, conversations, tokens_per_second: tokens, latency } = overview;
  const states = Object.entries(connections.states).filter(([, many]) => many > 0);
  const shown = [
    figure("connections", "Connections", count(connections.total), parts(states)),
    figure(
      "debates",
      "Debates watched here",
      count(conversations.watched),
      `${count(conversations.running)} under way in all`,
    ),
    figure("tokens", "Tokens a second", rate(tokens.delivered), `To all watchers; ${rate(tokens.spoken)} spoken`),
    figure(
      "latency",
      "Latency, p95",
      milliseconds(latency.p95_ms),
      latency.samples === 0
        ? "No browser has told of a paint in the last minute"
        : `From model to paint; p50 ${milliseconds(latency.p50_ms)}, p99 ${milliseconds(latency.p99_ms)}, of ${count(latency.samples)} paints in a minute`,
    ),
    figure("lagging", "Lagging watchers", count(overview.lagging), "They get whole messages until they catch up"),
    figure(
      "repaired",
      "Drops repaired",
      count(overview.repaired),
      `By reading the log; ${count(overview.pages)} ${overview.pages === 1 ? "page" : "pages"} read for who was behind`,
    ),
  ];
  return html`<dl class="gauges">${shown}</dl>`;
}

function figure(id: string, name: string, value: string, note: string): TemplateResult {
  return html`<div class="card" data-testid="figure-${id}" ?data-alarm=${id === "lagging" && value !== "0"}>
    <dt>${name}</dt>
    <dd class="value">${value}</dd>
    <dd class="note">${note}</dd>
  </div>`;
}

function parts(counted: readonly (readonly [string, number])[]): string {
  if (counted.length === 0) return "Nobody is connected";
  return counted.map(([state, many]) => `${count(many)} ${label(state).toLowerCase()}`).join(", ");
}

/** How connections ended, where any did. */
export function closedTemplate({ closed }: Overview): TemplateResult {
  if (closed.length === 0) return html`<p class="quiet">No connection has been closed by this process.</p>`;
  return html`<ul class="closes">
    ${closed.map(
      ({ code, name, count: many }) =>
        html`<li><span class="mono">${code}</span> ${label(name.toLowerCase())} <b>${count(many)}</b></li>`,
    )}
  </ul>`;
}
