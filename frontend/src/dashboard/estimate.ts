// The estimated cost of a debate before it starts. Shows nothing if there is no estimate.

import { post } from "../shared/http.ts";
import { characterCount, money, moneyLeft, providerName, roughly, thousands, waitTime } from "../shared/format.ts";

type Range = { readonly low: number; readonly high: number };

/** The server's estimate. `usd` is null if the price is unknown, 0 for what the server runs itself; in `left`, null means no limit. */
export type Estimate = {
  readonly provider: string;
  readonly usd: Range | null;
  readonly tokens: Range;
  readonly left: { readonly usd: number | null; readonly tokens: number | null; readonly seconds: number | null };
};

/** Delay after the last change, in milliseconds. */
const DEBOUNCE = 400;

/** Shows the estimate for `values()`, and refreshes it when the form has changed. */
export function setUpEstimate(form: HTMLFormElement, values: () => Record<string, unknown>): void {
  const place = form.querySelector<HTMLElement>("[data-estimate]");
  const api = place?.dataset["estimate"];
  if (!place || !api) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let latest = 0;
  const refresh = async (): Promise<void> => {
    latest += 1;
    const request = latest;
    const body = values();
    const outcome = isAnswerable(body) ? await post<Estimate>(api, body) : null;
    // Answers may arrive out of order; only the latest request counts. The start reports problems.
    if (request === latest) show(place, outcome?.problem === null ? outcome.body : null);
  };
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void refresh(), DEBOUNCE);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  soon();
}

function isAnswerable({ topic }: Record<string, unknown>): boolean {
  return typeof topic === "string" && characterCount(topic) > 0;
}

function show(place: HTMLElement, found: Estimate | null): void {
  const [price, left] = [".price", ".left-today"].map((part) => place.querySelector<HTMLElement>(part));
  if (price) price.textContent = found ? priceSentence(found) : "";
  if (left) left.textContent = found ? leftSentence(found) : "";
}

export function priceSentence({ provider, usd, tokens }: Estimate): string {
  if (provider === "demo") return "Scripted demo, no charge";
  const used = `about ${range(tokens, roughly)} tokens`;
  const model = providerName(provider).replace(/^[a-z-]+:/, "");
  if (provider === "local") return `Runs on this server, no charge · ${used}`;
  if (usd === null) return `${model}: no price set · ${used}`;
  if (usd.high === 0) return `${model}: no charge · ${used}`;
  return `${model}: about ${range(usd, money)} · ${used}`;
}

/** Empty if there are no limits. */
export function leftSentence({ left }: Estimate): string {
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
