// API keys as the server tells of them, and their times in words.

/** `prefix` is how the key begins; times are as the server writes them. */
export type ApiKey = {
  readonly id: string;
  readonly prefix: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly created_at: string;
  readonly expires_at: string | null;
  /** Exact to the minute; null before its first use. */
  readonly last_used_at: string | null;
};

/** With the key itself, which the server tells once. */
export type NewKey = ApiKey & { readonly key: string };

export type KeysPage = {
  readonly apiUrl: string;
  readonly csrfToken: string;
  readonly maxName: number;
  readonly maxKeys: number;
  readonly scopes: readonly { readonly scope: string; readonly label: string }[];
  readonly keys: readonly ApiKey[];
};

/** What a person chooses from: days, or null for a key that lasts until it is revoked. */
export const LIFETIMES: readonly { readonly days: number | null; readonly label: string }[] = [
  { days: 7, label: "in 7 days" },
  { days: 30, label: "in 30 days" },
  { days: 90, label: "in 90 days" },
  { days: 365, label: "in a year" },
  { days: null, label: "never" },
];
export const USUAL_DAYS = 90;

const DAY = 24 * 60 * 60 * 1000;

/** When a key that is made now expires. */
export function expiry(days: number | null, now: number): string | null {
  return days === null ? null : new Date(now + days * DAY).toISOString();
}

export function hasExpired({ expires_at }: ApiKey, now: number): boolean {
  return expires_at !== null && Date.parse(expires_at) <= now;
}

export function day(at: string): string {
  return new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

export function dayAndTime(at: string): string {
  return `${day(at)}, ${new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
}
