// The estimated cost of a debate before it starts.

import type { Reading } from "./reading.ts";
import { post } from "../shared/http.ts";
import { money, moneyLeft, providerName, roughly, thousands, waitTime } from "../shared/format.ts";

type Range = { readonly low: number; readonly high: number };

/** The server's estimate. `topic` is the question, which may be taken from the content. `usd` is null if the price is
 * unknown, 0 for what the server runs itself; in `left`, null means no limit. */
export type Estimate = {
  readonly topic: string;
  readonly provider: string;
  readonly usd: Range | null;
  readonly tokens: Range;
  readonly reading?: Reading;
  readonly left: { readonly usd: number | null; readonly tokens: number | null; readonly seconds: number | null };
};

/** Delay after the last change, in milliseconds. */
const DEBOUNCE = 400;

/** Keeps the estimate of a form up to date. */
export class Estimates {
  /** For the form as it is; null while there is none. */
  current: Estimate | null = null;

  #api: string;
  #values: () => Record<string, unknown> | null;
  #changed: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #latest = 0;

  /** `values` returns null if there is nothing to estimate. `changed` is called when `current` has changed. */
  constructor(api: string, values: () => Record<string, unknown> | null, changed: () => void) {
    this.#api = api;
    this.#values = values;
    this.#changed = changed;
  }

  /** The form has changed. */
  refreshSoon(): void {
    clearTimeout(this.#timer);
    this.#latest += 1;
    this.#timer = setTimeout(() => void this.#refresh(this.#latest), DEBOUNCE);
  }

  async #refresh(request: number): Promise<void> {
    const body = this.#values();
    const outcome = body && (await post<Estimate>(this.#api, body));
    // The form may have changed since; the start reports problems.
    if (request !== this.#latest) return;
    this.current = outcome?.problem === null ? outcome.body : null;
    this.#changed();
  }
}

export function priceText({ provider, usd, tokens }: Estimate): string {
  if (provider === "demo") return "Scripted demo, no charge";
  const used = `about ${range(tokens, roughly)} tokens`;
  const model = providerName(provider).replace(/^[a-z-]+:/, "");
  if (provider === "local") return `Runs on this server, no charge · ${used}`;
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
