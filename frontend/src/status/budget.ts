// What a debate may take, and what it has taken of it.

import { type TemplateResult, html, nothing } from "lit";
import { type Spent, allTokens, dollars, speakingTime } from "./usage.ts";
import type { Limits } from "../client/page-data.ts";
import { type State, isTerminal } from "../protocol/state.ts";
import type { Timeline } from "../protocol/timeline.ts";
import { clock, count, money, moneyLeft } from "../shared/format.ts";

export const REACHED = "The budget was reached, so the Moderator closes the debate with what there is.";
export const REACHED_WITHOUT_VERDICT = "The budget was reached, so the debate ends here.";

type Optional = TemplateResult | typeof nothing;

/** One limit: what of it is gone, and how its amounts read. */
type Row = {
  readonly name: string;
  readonly hook: string;
  readonly limit: number | null;
  readonly spent: Spent;
  readonly words: (amount: number) => string;
  /** The same of what is left, where that is rounded otherwise. */
  readonly leftWords?: (amount: number) => string;
};

/** `now` is the server's time in milliseconds. */
export function limitsTemplate(limits: Limits, state: State, timeline: Timeline, now: number): Optional {
  const isOver = isTerminal(state.status);
  const nothingYet: Spent = { amount: 0, isExact: true };
  const paid = dollars(state) ?? nothingYet;
  const rows: Row[] = [
    { name: "Money", hook: "money", limit: limits.usd, spent: paid, words: money, leftWords: moneyLeft },
    { name: "Tokens, read and written", hook: "tokens", limit: limits.tokens, spent: allTokens(state), words: count },
    {
      name: "Speaking time",
      hook: "time",
      limit: limits.seconds === null ? null : limits.seconds * 1000,
      spent: inWholeSeconds(speakingTime(state, timeline, now)),
      words: clock,
    },
  ];
  const shown = rows.filter(({ limit }) => limit !== null);
  if (shown.length === 0) return nothing;
  return html`<div class="limits" data-testid="limits">
    <h2>Limits${state.reason === "budget" ? html` <span class="reached">The budget was reached.</span>` : nothing}</h2>
    <dl>${shown.map((row) => rowTemplate(row, isOver))}</dl>
  </div>`;
}

/** So that what is spent and what is left read as the whole. */
function inWholeSeconds({ amount, isExact }: Spent): Spent {
  return { amount: Math.floor(amount / 1000) * 1000, isExact };
}

function rowTemplate({ name, hook, limit, spent, words, leftWords = words }: Row, isOver: boolean): TemplateResult {
  const most = limit ?? 0;
  const used = spent.isExact ? words(spent.amount) : `at least ${words(spent.amount)}`;
  const left = leftWords(Math.max(0, most - spent.amount));
  return html`<div data-testid="limit-${hook}">
    <dt>${name}</dt>
    <dd>
      <progress class="progress" max=${most} value=${Math.min(spent.amount, most)} aria-label="${name} spent"></progress>
      <span class="spent">${used} of ${words(most)}</span>
      ${isOver ? nothing : html`<span class="left">${spent.isExact ? left : `at most ${left}`} left</span>`}
    </dd>
  </div>`;
}

/** The place in the debate where its budget was reached. */
export function budgetTemplate(state: State): TemplateResult {
  const words = state.complete?.reason === "budget" ? REACHED_WITHOUT_VERDICT : REACHED;
  return html`<p class="between" data-testid="budget-reached">${words}</p>`;
}
