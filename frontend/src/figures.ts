// The figures on the board: cost and tokens so far.

import type { Message, State } from "./state.ts";

/** US dollars: a number, null where a part of it is not known, undefined while there is nothing to pay. */
export function cost(state: State): number | null | undefined {
  if (state.complete) return state.complete.cost_summary.usd;
  const paid = state.messages.filter(hasSpoken);
  if (paid.length === 0) return undefined;
  let total = 0;
  for (const message of paid) {
    if (message.cost === null) return null;
    total += message.cost;
  }
  return total;
}

/** Tokens that the models wrote: the provider's own count where there is one. */
export function tokens(state: State): number {
  return state.messages.reduce((total, message) => total + (message.usage?.output_tokens ?? message.tokens), 0);
}

/** The round that is being spoken, 0 before the first. */
export function round(state: State): number {
  return state.messages.at(-1)?.round ?? 0;
}

function hasSpoken(message: Message): boolean {
  return message.tokens > 0 || message.state === "done";
}
