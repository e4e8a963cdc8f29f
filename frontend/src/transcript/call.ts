// A call of a tool: its input, and its result as a table or text.

import { type TemplateResult, html, nothing } from "lit";
import type { Tool } from "../protocol/state.ts";
import { resultTemplate } from "./result-table.ts";
import { pieces } from "./sql.ts";
import { textUrl } from "./whole-result.ts";
import { label, thousands } from "../shared/format.ts";

/** The argument of the tool that queries tables. */
const SQL = "sql";

type Optional = TemplateResult | typeof nothing;

export function callTemplate(tool: Tool): TemplateResult {
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
