// What a debate would cost, told before it starts. Where that cannot be had, nothing is said.

import { send } from "../shared/http.ts";
import { count, length, money, moneyLeft, providerName, wait } from "../shared/format.ts";

type Range = { readonly low: number; readonly high: number };

/** The server's estimate. `usd` is null where the price is unknown, and in `left` where there is no limit. */
export type Estimate = {
  readonly provider: string;
  readonly usd: Range | null;
  readonly tokens: Range;
  readonly left: { readonly usd: number | null; readonly tokens: number | null; readonly seconds: number | null };
};

/** After the last change, in milliseconds. */
const QUIET = 400;

/** Shows the estimate for what `values` gives, and again when the form has changed. */
export function setUpEstimate(form: HTMLFormElement, values: () => Record<string, unknown>): void {
  const place = form.querySelector<HTMLElement>("[data-estimate]");
  const api = place?.dataset["estimate"];
  if (!place || !api) return;
  const token = form.elements.namedItem("csrfmiddlewaretoken") as HTMLInputElement | null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  const look = async (): Promise<void> => {
    asked += 1;
    const mine = asked;
    const body = values();
    const found = isAnswerable(body) ? await estimate(api, token?.value ?? "", body) : null;
    // What was asked later counts, whenever it was answered.
    if (mine === asked) show(place, found);
  };
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void look(), QUIET);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  soon();
}

function isAnswerable({ topic }: Record<string, unknown>): boolean {
  return typeof topic === "string" && length(topic) > 0;
}

async function estimate(api: string, token: string, body: object): Promise<Estimate | null> {
  try {
    const response = await send(api, token, body);
    return response.ok ? await response.json() : null;
  } catch {
    return null; // starting the debate will say what is wrong
  }
}

function show(place: HTMLElement, found: Estimate | null): void {
  const [price, left] = [".price", ".left-today"].map((part) => place.querySelector<HTMLElement>(part));
  if (price) price.textContent = found ? priceSentence(found) : "";
  if (left) left.textContent = found ? leftSentence(found) : "";
}

export function priceSentence({ provider, usd, tokens }: Estimate): string {
  if (provider === "demo") return "A scripted demo: no model is asked, and nothing is paid.";
  const used = `${range(tokens, count)} tokens`;
  if (usd === null) return `Price unknown for ${providerName(provider)}, ${used}.`;
  return `About ${range(usd, money)} with ${providerName(provider)}, ${used}.`;
}

/** Empty where nothing is limited. */
export function leftSentence({ left }: Estimate): string {
  const parts = [
    left.usd === null ? null : moneyLeft(Math.max(0, left.usd)),
    left.tokens === null ? null : `${count(Math.max(0, left.tokens))} tokens`,
    left.seconds === null ? null : left.seconds > 0 ? `${wait(left.seconds)} of speaking` : "no time",
  ].filter((part) => part !== null);
  return parts.length === 0 ? "" : `Left for you today: ${parts.join(", ")}.`;
}

function range({ low, high }: Range, words: (amount: number) => string): string {
  return words(low) === words(high) ? words(low) : `${words(low)} to ${words(high)}`;
}
