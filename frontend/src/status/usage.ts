// A debate's usage so far: US dollars, tokens and time.

import { type Message, type State, messageOf, spokenMessages } from "../protocol/state.ts";
import { charge, isByRules, modelLabel, money } from "../shared/format.ts";

/** An amount; a minimum if it is not exact because a part is unknown. */
export type Spent = { readonly amount: number; readonly isExact: boolean };

/** US dollars; undefined before any model has answered. */
export function cost(state: State): Spent | undefined {
  const summary = state.complete?.cost_summary;
  if (summary?.usd != null) return { amount: summary.usd, isExact: true };
  const paid = spokenMessages(state).filter(hasSpoken);
  if (paid.length === 0) return undefined;
  const amount = paid.reduce((total, { cost }) => total + (cost ?? 0), 0);
  // Providers do not report the cost of a failed turn. What costs nothing per token costs nothing.
  const isExact = summary === undefined && paid.every(({ cost, state }) => cost === 0 || (cost !== null && state !== "discarded"));
  return { amount, isExact };
}

/** The models that have spoken or speak, each once, as the page shows them. */
export function modelsOf({ messages }: State): string[] {
  return [...new Set(messages.filter((message) => !isByRules(message)).map(modelLabel))];
}

/** A cost as text: "$0.0016", "≥ $0.0016", "no charge", or "unknown" if nothing is known. */
export function formatCost({ amount, isExact }: Spent): string {
  if (isExact) return charge(amount);
  return amount > 0 ? `≥ ${money(amount)}` : money(null);
}

/** Input and output tokens: the provider's own counts where there are any. */
export function tokensOf(state: State): { readonly input: number; readonly output: number } {
  const messages = spokenMessages(state);
  return {
    input: messages.reduce((total, { usage }) => total + (usage?.input_tokens ?? 0), 0),
    output: messages.reduce((total, message) => total + outputOf(message), 0),
  };
}

/** Input and output tokens, which is what a limit counts. */
export function allTokens(state: State): Spent {
  const paid = spokenMessages(state).filter(hasSpoken);
  const { input, output } = tokensOf({ ...state, messages: paid });
  const isExact = paid.every(
    ({ state, usage }) => state === "speaking" || (usage?.input_tokens != null && usage.output_tokens !== null),
  );
  return { amount: input + output, isExact };
}

/** Milliseconds of turns, which is what a limit counts; pauses between turns do not count. */
export function speakingTime(state: State, now: number): Spent {
  let amount = 0;
  let isExact = true;
  for (const entry of state.entries) {
    const message = messageOf(state, entry);
    if (message === undefined || message.kind === "thinking") continue;
    if (message.duration_ms !== null) amount += message.duration_ms;
    else if (message.state === "discarded") isExact = false;
    else amount += Math.max(0, endOf(state, now) - Date.parse(entry.at));
  }
  return { amount, isExact };
}

/** The end of the debate in the server's time, in milliseconds, or `now` while it runs. */
export function endOf({ endedAt }: State, now: number): number {
  return endedAt === null ? now : Date.parse(endedAt);
}

/** The current round, 0 before the first. */
export function roundOf(state: State): number {
  return state.messages.findLast(({ kind }) => kind !== "final")?.round ?? 0;
}

function outputOf(message: Message): number {
  return message.usage?.output_tokens ?? message.tokens;
}

function hasSpoken(message: Message): boolean {
  return message.tokens > 0 || message.state === "done";
}
