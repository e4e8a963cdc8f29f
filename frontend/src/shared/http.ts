// Requests to the JSON API.

import { waitTime } from "./format.ts";

type Body = { message?: unknown; errors?: readonly { message?: unknown }[] };

export type Outcome = { readonly ok: true } | { readonly ok: false; readonly problem: string };

export const UNREACHABLE = "The server could not be reached. Check the connection and try again.";
const SIGNED_OUT = "You are signed out. Sign in again, in another tab if you like, then reload this page.";

/** Posts JSON with Django's CSRF token. `cause` is the click that caused it; its age in milliseconds is sent for
 * traces. Rejects if no server answers. */
export function send(url: string, csrfToken: string, body: object, cause?: Event): Promise<Response> {
  const headers: Record<string, string> = { "Content-Type": "application/json", "X-CSRFToken": csrfToken };
  if (cause) headers["X-Clicked-Ms-Ago"] = Math.max(0, performance.now() - cause.timeStamp).toFixed(1);
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Posts JSON like `send`, and turns every failure into `problem`, a sentence for a person. Never rejects. */
export async function post(url: string, csrfToken: string, body: object): Promise<Outcome> {
  try {
    const response = await send(url, csrfToken, body);
    return response.ok ? { ok: true } : { ok: false, problem: await refusal(response) };
  } catch {
    return { ok: false, problem: UNREACHABLE };
  }
}

/** The message of an error response, as a sentence for a person. */
export async function refusal(response: Response): Promise<string> {
  if (response.status === 401) return SIGNED_OUT;
  const broken = `The server answered with an error (${response.status}). Reload this page and try again.`;
  if (!response.headers.get("Content-Type")?.includes("json")) return broken;
  const body: Body = await response.json();
  const message = body.errors?.[0]?.message ?? body.message;
  return typeof message === "string" ? withWait(message, response) : broken;
}

/** Appends the time of the Retry-After header, unless the sentence names one. */
export function withWait(sentence: string, response: Response): string {
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  if (!(seconds > 0) || /\bagain in\b/i.test(sentence)) return sentence;
  return `${sentence} Try again in ${waitTime(seconds)}.`;
}

/** A WebSocket URL of this site: wss if the page was loaded by https. */
export function webSocketUrl(path: string): string {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
