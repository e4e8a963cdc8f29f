// Requests to the API, for where the connection is not there to carry them.

import { wait } from "./format.ts";

type Body = { message?: unknown; errors?: readonly { message?: unknown }[] };

export const UNREACHABLE = "The server could not be reached. Check the connection and try again.";
const SIGNED_OUT = "You are signed out. Sign in again, in another tab if you like, then reload this page.";

/** Sends JSON, as Django wants it; with the event that a person caused, how long ago that was, for traces. Rejects
 * where no server answers. */
export function send(url: string, csrfToken: string, body: object, cause?: Event): Promise<Response> {
  const headers: Record<string, string> = { "Content-Type": "application/json", "X-CSRFToken": csrfToken };
  if (cause) headers["X-Clicked-Ms-Ago"] = Math.max(0, performance.now() - cause.timeStamp).toFixed(1);
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

/** The same; `problem` is a sentence for a person. */
export async function post(
  url: string,
  csrfToken: string,
  body: object,
): Promise<{ readonly ok: true } | { readonly ok: false; readonly problem: string }> {
  try {
    const response = await send(url, csrfToken, body);
    return response.ok ? { ok: true } : { ok: false, problem: await refusal(response) };
  } catch {
    return { ok: false, problem: UNREACHABLE };
  }
}

/** What an answer says that is a refusal, as a sentence for a person. */
export async function refusal(response: Response): Promise<string> {
  if (response.status === 401) return SIGNED_OUT;
  const broken = `The server answered with an error (${response.status}). Reload this page and try again.`;
  if (!response.headers.get("Content-Type")?.includes("json")) return broken;
  const body: Body = await response.json();
  const message = body.errors?.[0]?.message ?? body.message;
  return typeof message === "string" ? withWait(message, response) : broken;
}

/** The sentence, with how long to wait where the server says that and the sentence does not. */
export function withWait(sentence: string, response: Response): string {
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  if (!(seconds > 0) || /\bagain in\b/i.test(sentence)) return sentence;
  return `${sentence} Try again in ${wait(seconds)}.`;
}
