// Words and numbers as people read them.

/** A value of the vocabulary, such as `strong_buy`, as words: "Strong buy". */
export function label(value: string): string {
  const words = value.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`;
}

/** US dollars. What is not known is "unknown", never 0; small amounts keep two digits that say something. */
export function money(dollars: number | null): string {
  if (dollars === null) return "unknown";
  if (dollars === 0) return "$0";
  if (dollars < 0.000001) return "under $0.000001";
  if (dollars >= 1) return `$${dollars.toFixed(2)}`;
  return `$${Number(dollars.toPrecision(2)).toFixed(6).replace(/0{1,4}$/, "")}`;
}

/** US dollars that are left: rounded down, so that nobody is promised more than there is. */
export function moneyLeft(dollars: number): string {
  const places = dollars >= 1 ? 2 : 4;
  // A hair above: what is 0.0012 on paper may be just below it in the machine.
  const rounded = Math.floor(dollars * 10 ** places + 1e-6) / 10 ** places;
  if (rounded === 0) return dollars > 0 ? "under $0.0001" : "$0";
  return `$${rounded.toFixed(places).replace(/(\.\d\d)0+$/, "$1")}`;
}

export function count(value: number): string {
  return value.toLocaleString("en");
}

/** Characters of a text without the space around it, as the server counts them: an emoji is one. */
export function length(text: string): number {
  return [...text.trim()].length;
}

/** Milliseconds as 0:07, 12:40 or 1:02:03. */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours > 0 ? `${hours}:${two(minutes % 60)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Seconds as people say a wait: "12 seconds", "3 minutes", "5 hours". Rounded up: after it, the wait is over. */
export function wait(seconds: number): string {
  const [size, unit] = seconds < 100 ? [1, "second"] : seconds < 6_000 ? [60, "minute"] : [3_600, "hour"];
  const units = Math.max(1, Math.ceil(seconds / size));
  return units === 1 ? `1 ${unit}` : `${units} ${unit}s`;
}

/** A model's name. Some servers are told a file or an address as the model; nobody on the page is. */
export function modelName(model: string): string {
  const isPlace = /^([a-z][a-z0-9+.-]*:\/\/|[/~\\]|\.{1,2}[/\\]|[a-z]:[/\\])/i.test(model);
  if (!isPlace) return model;
  return model.split(/[?#]/, 1)[0]?.split(/[/\\]/).findLast(Boolean) ?? "unnamed";
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

/** A sentence for a code that the log carries as a reason. What it already says in words stays as it is. */
export function reason(code: string): string {
  return REASONS[code] ?? (/^[a-z0-9_]+$/.test(code) ? `${label(code)}.` : code);
}

/** The same for a message that was discarded. */
export function discardReason(code: string): string {
  return code === "budget" ? "The budget did not cover the rest of it." : reason(code);
}

const REASONS: Readonly<Record<string, string>> = {
  demo: "This was a scripted demo; a script has no opinion.",
  budget: "The budget did not cover a verdict.",
  invalid_answer: "The moderator's answer did not have the form of a verdict, so none is shown.",
  interrupted: "The speaker was interrupted and begins again.",
  cancelled: "The debate was stopped before its end.",
  providers_exhausted: "No model answered.",
  resume_failed: "The server could not go on with this debate.",
  provider_unreachable: "The model's provider could not be reached.",
  provider_timeout: "The model did not answer in time.",
  provider_dropped: "The model's provider broke off in the middle of the answer.",
  provider_unauthorized: "The model's provider refused the key.",
  provider_forbidden: "The model's provider does not allow this key to use the model.",
  provider_unknown_model: "The model's provider does not know this model.",
  provider_rejected: "The model's provider rejected the request.",
  provider_too_long: "The debate is too long for this model.",
  provider_rate_limited: "The model's provider limits our rate.",
  provider_down: "The model's provider has a fault at its end.",
  provider_empty: "The model gave an empty answer.",
  provider_looped: "The model kept calling tools and came to no answer.",
  provider_invalid_answer: "The model's provider sent something that is no answer.",
  provider_not_configured: "The model's provider is not set up.",
  provider_failed: "The model's provider failed.",
};
