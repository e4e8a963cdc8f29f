// The figures at the top of the monitor, and how connections were closed.

import { type TemplateResult, html } from "lit";
import { milliseconds, rate } from "./data.ts";
import type { Day, Overview } from "./figures.gen.ts";
import { charge, label, money, thousands } from "../shared/format.ts";

/** Figures of the whole installation; `today` is null while they are not known. */
export function todayTemplate({ conversations }: Overview, today: Day | undefined): TemplateResult {
  const { running, statuses } = conversations;
  const failed = today?.failed ? `${thousands(today.failed)} failed` : "None failed";
  return html`<dl class="gauges today">
    ${gauge("today", "Debates", today === undefined ? "–" : thousands(today.debates), failed)}
    ${gauge("cost", "Cost", today === undefined ? "–" : label(costText(today)), today === undefined ? "" : costNote(today))}
    ${gauge("running", "Running", thousands(running), `${thousands(statuses.paused + statuses.awaiting_input)} wait for people`)}
    ${gauge("queue", "Queue", thousands(statuses.queued), "Debates that wait to start")}
  </dl>`;
}

/** US dollars; a minimum if calls have no known price. */
export function costText({ usd, unpriced }: Pick<Day, "usd" | "unpriced">): string {
  if (unpriced === 0) return charge(usd);
  return usd === 0 ? money(null) : `≥ ${money(usd)}`;
}

function costNote({ tokens, unpriced }: Day): string {
  const calls = unpriced === 1 ? "call" : "calls";
  return `${thousands(tokens)} tokens${unpriced === 0 ? "" : `; ${thousands(unpriced)} ${calls} without a price`}`;
}

export function gaugesTemplate(overview: Overview): TemplateResult {
  const { connections, conversations, tokens_per_second: tokens, latency } = overview;
  const states = Object.entries(connections.states).filter(([, many]) => many > 0);
  const shown = [
    gauge("connections", "Connections", thousands(connections.total), statesText(states)),
    gauge(
      "debates",
      "Watched debates",
      thousands(conversations.watched),
      "With someone connected",
    ),
    gauge("tokens", "Tokens a second", rate(tokens.delivered), `To all watchers; ${rate(tokens.spoken)} spoken`),
    gauge(
      "latency",
      "Latency, p95",
      milliseconds(latency.p95_ms),
      latency.samples === 0
        ? "No paint data in the last minute"
        : `From model to paint; p50 ${milliseconds(latency.p50_ms)}, p99 ${milliseconds(latency.p99_ms)}, of ${thousands(latency.samples)} paints in a minute`,
    ),
    gauge("lagging", "Lagging watchers", thousands(overview.lagging), "They get whole messages until they catch up"),
    gauge(
      "repaired",
      "Gaps repaired",
      thousands(overview.repaired),
      `From the log; ${thousands(overview.pages)} ${overview.pages === 1 ? "page" : "pages"} read for watchers behind`,
    ),
  ];
  return html`<dl class="gauges">${shown}</dl>`;
}

function gauge(id: string, name: string, value: string, note: string): TemplateResult {
  return html`<div class="card" data-testid="gauge-${id}" ?data-alarm=${id === "lagging" && value !== "0"}>
    <dt>${name}</dt>
    <dd class="value">${value}</dd>
    <dd class="detail">${note}</dd>
  </div>`;
}

function statesText(counted: readonly (readonly [string, number])[]): string {
  if (counted.length === 0) return "No one is connected";
  return counted.map(([state, many]) => `${thousands(many)} ${label(state).toLowerCase()}`).join(", ");
}

/** Close codes with their counts. */
export function closedTemplate({ closed }: Overview): TemplateResult {
  if (closed.length === 0) return html`<p class="quiet">No connection has been closed by this process.</p>`;
  return html`<ul class="closes">
    ${closed.map(
      ({ code, name, count }) =>
        html`<li><span class="mono">${code}</span> ${label(name.toLowerCase())} <b>${thousands(count)}</b></li>`,
    )}
  </ul>`;
}
