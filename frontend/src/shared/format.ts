// Values as text on the page.

/** An identifier, such as `strong_buy`, as a label: "Strong buy". */
export function label(value: string): string {
  return capitalised(value.replaceAll("_", " "));
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The first letter of a name, for its sign. */
export function initial(name: string): string {
  const [first = ""] = name;
  return first;
}

export function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`;
}

/** US dollars: "unknown" for null, never 0; amounts below 1 with two significant digits. */
export function money(dollars: number | null): string {
  if (dollars === null) return "unknown";
  if (dollars === 0) return "$0";
  if (dollars < 0.000001) return "under $0.000001";
  if (dollars >= 1) return `$${dollars.toFixed(2)}`;
  return `$${Number(dollars.toPrecision(2)).toFixed(6).replace(/0{1,4}$/, "")}`;
}

/** What was paid, in US dollars: "no charge" for 0. */
export function charge(dollars: number | null): string {
  return dollars === 0 ? "no charge" : money(dollars);
}

/** US dollars of a remaining budget, rounded down. */
export function moneyLeft(dollars: number): string {
  const places = dollars >= 1 ? 2 : 4;
  // A tolerance for floats: 0.0012 may be stored as slightly less.
  const rounded = Math.floor(dollars * 10 ** places + 1e-6) / 10 ** places;
  if (rounded === 0) return dollars > 0 ? "under $0.0001" : "$0";
  return `$${rounded.toFixed(places).replace(/(\.\d\d)0+$/, "$1")}`;
}

/** 1234 as "1,234". */
export function thousands(value: number): string {
  return value.toLocaleString("en");
}

/** A number with two significant digits: 2449 as "2,400". */
export function roughly(value: number): string {
  return thousands(Number(value.toPrecision(2)));
}

/** Unicode code points of a text without surrounding whitespace, as the server counts them. */
export function characterCount(text: string): number {
  return [...text.trim()].length;
}

type Moment = string | number | Date;

/** The options with the time zone of the person's settings; without one, the browser's applies. */
export function inTimeZone(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormatOptions {
  const timeZone = document.documentElement.dataset["timeZone"];
  return timeZone ? { ...options, timeZone } : options;
}

/** A moment as "14:05". */
export function clock(at: Moment): string {
  return new Date(at).toLocaleTimeString("en-GB", inTimeZone({ hour: "2-digit", minute: "2-digit" }));
}

/** A moment as "1 Dec 2026, 14:05". */
export function dateAndTime(at: Moment): string {
  return new Date(at).toLocaleString("en-GB", inTimeZone({ dateStyle: "medium", timeStyle: "short" }));
}

/** A day and a time: "1 December 2026, 14:09". */
export function date(at: string): string {
  const timeZone = document.documentElement.dataset["timeZone"];
  const day = { day: "numeric", month: "long", year: "numeric", ...(timeZone && { timeZone }) } as const;
  return `${new Date(at).toLocaleDateString("en-GB", day)}, ${clock(at)}`;
}

/** Milliseconds as 0:07, 12:40 or 1:02:03. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours > 0 ? `${hours}:${two(minutes % 60)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Seconds as "12 seconds", "3 minutes" or "5 hours", rounded up. */
export function waitTime(seconds: number): string {
  const [size, unit] = seconds < 100 ? [1, "second"] : seconds < 6_000 ? [60, "minute"] : [3_600, "hour"];
  const units = Math.max(1, Math.ceil(seconds / size));
  return units === 1 ? `1 ${unit}` : `${units} ${unit}s`;
}

/** A model's name as the page shows it: of a path or URL, which some servers take as the model, only the last part. */
export function modelName(model: string): string {
  const isAddress = /^([a-z][a-z0-9+.-]*:\/\/|[/~\\]|\.{1,2}[/\\]|[a-z]:[/\\])/i.test(model);
  if (!isAddress) return model;
  return model.split(/[?#]/, 1)[0]?.split(/[/\\]/).findLast(Boolean) ?? "unnamed";
}

/** Whether rules have made a message, without a model. */
export function isByRules({ provider }: { readonly provider: string }): boolean {
  return provider === "rules";
}

/** A model and its provider: "gpt-5-mini · openai". */
export function modelLabel({ model, provider }: { readonly model: string; readonly provider: string }): string {
  return `${modelName(model)} · ${provider}`;
}

/** A provider's label, such as `openai:gpt-5-mini`, as the page shows it. */
export function providerName(label: string): string {
  const [kind = "", ...model] = label.split(":");
  return model.length === 0 ? kind : `${kind}:${modelName(model.join(":"))}`;
}

/** Milliseconds as "1.9 s". */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** A sentence for a reason code of the log. A reason that is a sentence already stays as it is. */
export function reason(code: string): string {
  return REASONS[code] ?? (/^[a-z0-9_]+$/.test(code) ? `${label(code)}.` : code);
}

/** A sentence for the reason code of a discarded message. */
export function discardReason(code: string): string {
  return code === "budget" ? "The limit was reached." : reason(code);
}

const REASONS: Readonly<Record<string, string>> = {
  demo: "Demo: no verdict.",
  test_model: "Test run, no opinion: the model is only for trying Outcry.",
  budget: "Limit reached before a verdict.",
  contradicted_figures: "The verdict contradicted the record of figures, twice.",
  prices_missing: "The record has no current price of what the debate is about.",
  not_a_debate: "This team answers and gives no verdict.",
  invalid_answer: "The Moderator's answer was not a valid verdict.",
  interrupted: "The speaker was interrupted and started again.",
  cancelled: "The debate was stopped before its end.",
  providers_exhausted: "No model answered.",
  resume_failed: "The server could not go on with this debate.",
  provider_unreachable: "The model's provider could not be reached.",
  provider_timeout: "The model did not answer in time.",
  provider_quota: "The quota at the model's provider is used up.",
  provider_credit: "The account at the model's provider has no credit left.",
  provider_filtered: "The model's provider refused the text by its safety rules.",
  provider_withheld: "The model's provider cut the answer off by its safety rules.",
  provider_wrong_address: "The address of the model's provider is not that of a model.",
  provider_unknown: "There is no provider of this kind.",
  provider_dropped: "The model's provider broke off in the middle of the answer.",
  provider_unauthorized: "The model's provider refused the key.",
  provider_forbidden: "The model's provider does not allow this key to use the model.",
  provider_unknown_model: "The model's provider does not know this model.",
  provider_rejected: "The model's provider rejected the request.",
  provider_too_long: "The debate is too long for this model.",
  provider_rate_limited: "The model's provider limits our rate.",
  provider_down: "The model's provider has a fault at its end.",
  provider_empty: "The model gave an empty answer.",
  provider_looped: "The model came to no end.",
  provider_invalid_answer: "The model's provider sent something that is no answer.",
  provider_not_configured: "The model's provider is not set up.",
  provider_failed: "The model's provider failed.",
};
