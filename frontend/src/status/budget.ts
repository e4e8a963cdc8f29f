// The limits of a debate, and how much of each is spent.

import { type TemplateResult, html, nothing } from "lit";
import { type Spent, allTokens, cost, speakingTime } from "./usage.ts";
import type { Limits } from "../client/page-data.ts";
import { type State, isTerminal } from "../protocol/state.ts";
import { duration, money, moneyLeft, thousands } from "../shared/format.ts";

export const BUDGET_REACHED = "Limit reached: the Moderator closes the debate.";
const BUDGET_REACHED_WITHOUT_VERDICT = "Limit reached: the debate ends here.";

type Optional = TemplateResult | typeof nothing;

/** One limit: how much of it is spent, and how its amounts are written. */
type Row = {
  readonly name: string;
  readonly testId: string;
  readonly limit: number | null;
  readonly spent: Spent;
  readonly format: (amount: number) => string;
  /** The format of the remaining amount, if it is rounded differently. */
  readonly formatLeft?: (amount: number) => string;
};

/** `now` is the server's time in milliseconds. */
export function limitsTemplate(limits: Limits, state: State, now: number): Optional {
  const isOver = isTerminal(state.status);
  const nothingYet: Spent = { amount: 0, isExact: true };
  const paid = cost(state) ?? nothingYet;
  const rows: Row[] = [
    { name: "Cost (USD)", testId: "money", limit: limits.usd, spent: paid, format: money, formatLeft: moneyLeft },
    { name: "Tokens (input + output)", testId: "tokens", limit: limits.tokens, spent: allTokens(state), format: thousands },
    {
      name: "Run time",
      testId: "time",
      limit: limits.seconds === null ? null : limits.seconds * 1000,
      spent: inWholeSeconds(speakingTime(state, now)),
      format: duration,
    },
  ];
  const shown = rows.filter(({ limit }) => limit !== null);
  if (shown.length === 0) return nothing;
  return html`<div class="limits" data-testid="limits">
    <p class="title">Limits</p>
    <dl>${shown.map((row) => rowTemplate(row, isOver))}</dl>
  </div>`;
}

/** Rounded down, so that on the page the spent and the remaining time add up to the limit. */
function inWholeSeconds({ amount, isExact }: Spent): Spent {
  return { amount: Math.floor(amount / 1000) * 1000, isExact };
}

function rowTemplate({ name, testId, limit, spent, format, formatLeft = format }: Row, isOver: boolean): TemplateResult {
  const most = limit ?? 0;
  const used = spent.isExact ? format(spent.amount) : `at least ${format(spent.amount)}`;
  const left = formatLeft(Math.max(0, most - spent.amount));
  return html`<div data-testid="limit-${testId}">
    <dt>${name}</dt>
    <dd>
      <progress class="progress" max=${most} value=${Math.min(spent.amount, most)} aria-label="${name} spent"></progress>
      <span class="spent">${used} of ${format(most)}</span>
      ${isOver ? nothing : html`<span class="left">${spent.isExact ? left : `at most ${left}`} left</span>`}
    </dd>
  </div>`;
}

/** The transcript's entry for a reached budget. */
export function budgetTemplate(state: State): TemplateResult {
  const words = state.complete?.reason === "budget" ? BUDGET_REACHED_WITHOUT_VERDICT : BUDGET_REACHED;
  return html`<p class="between" data-testid="budget-reached">${words}</p>`;
}
