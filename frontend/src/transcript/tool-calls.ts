// The calls of tools in a message: one line that opens, with each call's input, and its result as a table or text.

import { type TemplateResult, html, nothing } from "lit";
import type { Tool } from "../protocol/state.ts";
import { resultTemplate, rowsOf } from "./result-table.ts";
import { pieces } from "./sql.ts";
import { textUrl } from "./whole-result.ts";
import { label, thousands } from "../shared/format.ts";

/** The argument of the tool that queries tables. */
const SQL = "sql";

type Optional = TemplateResult | typeof nothing;

/** Nothing for a message without calls. `isLocal`: a model on this machine has spoken, for which a rule takes calculations
 * from the question. */
export function toolCallsTemplate(tools: readonly Tool[], isLocal: boolean): Optional {
  if (tools.length === 0) return nothing;
  return html`<details class="calls" data-testid="tool-calls">
    <summary>${summary(tools)}</summary>
    ${isLocal && tools.some(({ tool }) => tool === "calculate") ? html`<p class="quiet" data-testid="call-by-rule">For the model on this machine, a rule takes calculations from the question.</p>` : nothing}
    ${tools.map(callTemplate)}
  </details>`;
}

/** Such as "Calculate: 15% of 850 = 127.5", or "3 calls: calculate, look up, 1 failed". */
function summary(tools: readonly Tool[]): string {
  const [only, ...more] = tools;
  if (only !== undefined && more.length === 0) return `${label(only.tool)}: ${outcome(only)}`;
  const names = [...new Set(tools.map(({ tool }) => label(tool).toLowerCase()))];
  const failed = tools.filter(({ error }) => error !== null).length;
  return `${tools.length} calls: ${[...names, ...(failed === 0 ? [] : [`${failed} failed`])].join(", ")}`;
}

function outcome({ output, error, reason, table }: Tool): string {
  if (error !== null) return reason || "failed";
  if (table !== null) return rowsOf(table);
  return output === null ? "running" : (output.split("\n")[0] ?? "").replace(/ \[E\d+(?:, E\d+)*\]$/, "");
}

function callTemplate(tool: Tool): TemplateResult {
  const state = tool.error !== null ? "failed" : tool.output === null ? "running" : "done";
  const took = tool.duration_ms === null ? nothing : html` <span class="quiet">${thousands(tool.duration_ms)} ms</span>`;
  return html`<section class="tool" data-testid="tool" data-outcome=${state}>
    <h4><span class="mono">${tool.tool}</span> <span class="quiet">${state}</span>${took}</h4>
    ${inputTemplate(tool.input)} ${wholeTemplate(tool.input_text, "Whole input")}
    ${tool.error === null ? nothing : html`<p class="problem">${tool.reason || label(tool.error)}</p>`}
    ${tool.table === null ? outputTemplate(tool) : resultTemplate(tool.table, tool.output_text)}
    ${tool.checks.length === 0 ? nothing : checksTemplate(tool.checks)}
  </section>`;
}

/** A link to a text of which only the beginning is shown. */
function wholeTemplate(text: string | null, name: string): Optional {
  if (text === null) return nothing;
  return html`<p><a href=${textUrl(text)} target="_blank" data-testid="whole-text">${name}</a></p>`;
}

/** The arguments, one a line; text that is no JSON object stays as it is. */
function inputTemplate(input: string): TemplateResult {
  const given = parsed(input);
  if (given === null) return html`<pre dir="auto">${input}</pre>`;
  return html`<dl>
    ${given.map(([name, value]) => html`<div><dt>${name === SQL ? "SQL" : label(name)}</dt><dd dir="auto">${name === SQL ? sqlTemplate(value) : value}</dd></div>`)}
  </dl>`;
}

function parsed(input: string): [string, string][] | null {
  try {
    const value: unknown = JSON.parse(input);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    return Object.entries(value).map(([name, each]) => [name, typeof each === "string" ? each : JSON.stringify(each)]);
  } catch {
    return null;
  }
}

function sqlTemplate(sql: string): TemplateResult {
  return html`<code class="sql" data-testid="sql">${pieces(sql).map(({ text, kind }) => (kind === "plain" ? text : html`<span class=${kind}>${text}</span>`))}</code>`;
}

function outputTemplate({ output, output_text }: Tool): Optional {
  if (output === null) return nothing;
  return html`<pre dir="auto" data-testid="tool-output">${output}</pre>
    ${wholeTemplate(output_text, "Whole result")}`;
}

/** What rules found in the result; each sentence begins with what it is about. */
function checksTemplate(checks: readonly string[]): TemplateResult {
  return html`<ul class="checks" aria-label="Checks" data-testid="tool-checks">${checks.map((check) => html`<li dir="auto">${check}</li>`)}</ul>`;
}
