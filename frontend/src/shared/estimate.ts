// What a debate will cost, by the server's estimate before it starts.

import { money, moneyLeft, providerName, roughly, thousands, waitTime } from "./format.ts";

type Range = { readonly low: number; readonly high: number };

/** How much of the sources the model is given: `read` of `characters`. `most_tokens` is null for a model that reads the
 * same number of characters of any text, for which nothing is too long. */
export type Reading = {
  readonly characters: number;
  readonly tokens: number;
  readonly most_tokens: number | null;
  readonly read: number;
  readonly too_long: boolean;
};

/** The server's estimate. `topic` is the question, which may be taken from the content. `usd` is null if the price is
 * unknown, 0 for what the server runs itself; in `left`, null means no limit. */
export type Estimate = {
  readonly topic: string;
  readonly provider: string;
  readonly usd: Range | null;
  readonly tokens: Range;
  readonly reading?: Reading;
  /** What limits must allow for a first message and a verdict. */
  readonly to_begin?: { readonly tokens: number; readonly usd: number | null };
  readonly left: { readonly usd: number | null; readonly tokens: number | null; readonly seconds: number | null };
};

export function priceText({ provider, usd, tokens }: Estimate): string {
  if (provider === "demo") return "Scripted demo, no charge";
  const used = `about ${range(tokens, roughly)} tokens`;
  const model = providerName(provider).replace(/^[a-z-]+:/, "");
  if (provider.split(":")[0] === "local") return `Runs on this server, no charge · ${used}`;
  if (usd === null) return `${model}: no price set · ${used}`;
  if (usd.high === 0) return `${model}: no charge · ${used}`;
  return `${model}: about ${range(usd, money)} · ${used}`;
}

/** Empty if there are no limits. */
export function leftText({ left }: Estimate): string {
  const parts = [
    left.usd === null ? null : moneyLeft(Math.max(0, left.usd)),
    left.tokens === null ? null : `${thousands(Math.max(0, left.tokens))} tokens`,
    left.seconds === null ? null : left.seconds > 0 ? `${waitTime(left.seconds)} of run time` : "no time",
  ].filter((part) => part !== null);
  return parts.length === 0 ? "" : `Left for you today: ${parts.join(", ")}.`;
}

function range({ low, high }: Range, format: (amount: number) => string): string {
  return format(low) === format(high) ? format(low) : `${format(low)}–${format(high)}`;
}
