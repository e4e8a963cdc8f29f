// The calls of tools in a message, as one line that opens.

import { type TemplateResult, html, nothing } from "lit";
import type { Tool } from "../protocol/state.ts";
import "./calls-element.ts";
import { rowsOf } from "./whole-result.ts";
import { label } from "../shared/format.ts";

/** Nothing for a message without calls. `isLocal`: a model on this machine has spoken, for which a rule takes calculations
 * from the question. */
export function toolCallsTemplate(tools: readonly Tool[], isLocal: boolean): TemplateResult | typeof nothing {
  if (tools.length === 0) return nothing;
  return html`<details class="calls" data-testid="tool-calls">
    <summary>${summary(tools)}</summary>
    ${isLocal && tools.some(({ tool }) => tool === "calculate") ? html`<p class="quiet" data-testid="call-by-rule">For the model on this machine, a rule takes calculations from the question.</p>` : nothing}
    <outcry-calls .tools=${tools}></outcry-calls>
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
