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
  return `$${Number(dollars.toPrecision(2)).toFixed(6).replace(/0+$/, "")}`;
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

/** Milliseconds as "1.9 s". */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** A sentence for a code that the log carries as a reason. What it already says in words stays as it is. */
export function reason(code: string): string {
  return REASONS[code] ?? (/^[a-z0-9_]+$/.test(code) ? `${label(code)}.` : code);
}

const REASONS: Readonly<Record<string, string>> = {
  demo: "This was a scripted demo; a script has no opinion.",
  invalid_answer: "The moderator's answer did not have the form of a verdict, so none is shown.",
  interrupted: "The speaker was interrupted and begins again.",
  cancelled: "The debate was stopped before its end.",
};
