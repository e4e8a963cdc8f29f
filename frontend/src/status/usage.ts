// The figures on the board: what was spent so far, and of which limit.

import type { Message, State } from "../protocol/state.ts";
import type { Timeline } from "../protocol/timeline.ts";
import { money } from "../shared/format.ts";

/** An amount. Where it is not exact, a part of it is not known: it is at least this much. */
export type Spent = { readonly amount: number; readonly isExact: boolean };

/** US dollars; undefined while there is nothing to pay. */
export function dollars(state: State): Spent | undefined {
  const summary = state.complete?.cost_summary;
  if (summary?.usd != null) return { amount: summary.usd, isExact: true };
  const paid = state.messages.filter(hasSpoken);
  if (paid.length === 0) return undefined;
  const amount = paid.reduce((total, { cost }) => total + (cost ?? 0), 0);
  // What a turn cost that failed half way, nobody says.
  const isExact = summary === undefined && paid.every(({ cost, state }) => cost !== null && state !== "discarded");
  return { amount, isExact };
}

/** What is known of a cost: "$0.0016", "≥ $0.0016", or "unknown", which is not nothing. */
export function costWords({ amount, isExact }: Spent): string {
  if (isExact) return money(amount);
  return amount > 0 ? `≥ ${money(amount)}` : money(null);
}

/** Tokens that the models wrote: the provider's own count where there is one. */
export function tokens(state: State): number {
  return state.messages.reduce((total, message) => total + written(message), 0);
}

/** Tokens that the models read and wrote, which is what a limit counts. */
export function allTokens(state: State): Spent {
  const paid = state.messages.filter(hasSpoken);
  const amount = paid.reduce((total, message) => total + (message.usage?.input_tokens ?? 0) + written(message), 0);
  const isExact = paid.every(
    ({ state, usage }) => state === "speaking" || (usage?.input_tokens != null && usage.output_tokens !== null),
  );
  return { amount, isExact };
}

/** Milliseconds in which models were spoken with, which is what a limit counts: not those of pauses between turns. */
export function speakingTime(state: State, timeline: Timeline, now: number): Spent {
  let amount = 0;
  let isExact = true;
  for (const message of state.messages) {
    const begun = timeline.entries.find((entry) => entry.kind === "message" && entry.id === message.id);
    if (message.duration_ms !== null) amount += message.duration_ms;
    else if (message.state === "discarded") isExact = false;
    else if (begun?.kind === "message") amount += Math.max(0, endOf(timeline, now) - Date.parse(begun.at));
  }
  return { amount, isExact };
}

/** The server's time until which things go on, in milliseconds: the debate's end, or now. */
export function endOf({ endedAt }: Timeline, now: number): number {
  return endedAt === null ? now : Date.parse(endedAt);
}

/** The round that is being spoken, 0 before the first. */
export function round(state: State): number {
  return state.messages.findLast(({ kind }) => kind !== "final")?.round ?? 0;
}

function written(message: Message): number {
  return message.usage?.output_tokens ?? message.tokens;
}

function hasSpoken(message: Message): boolean {
  return message.tokens > 0 || message.state === "done";
}
