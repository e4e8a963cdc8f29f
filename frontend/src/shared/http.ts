// Requests to the JSON API.

import { waitTime } from "./format.ts";

export type FieldError = { readonly field: string; readonly message: string };

/** The response's JSON, or why there is none: a sentence for a person, the errors of single fields, and the status,
 * which is null if no server answered. */
export type Outcome<Body> =
  | { readonly problem: null; readonly body: Body }
  | { readonly problem: string; readonly errors: readonly FieldError[]; readonly status: number | null };

/** `cause` is the click that caused the request; its age in milliseconds is sent for traces. `advice` is what to do
 * after an error of the server. */
type Options = { readonly cause?: Event; readonly advice?: string };

type Refusal = { readonly message?: unknown; readonly errors?: readonly FieldError[] };

const UNREACHABLE = "The server could not be reached. Check the connection and try again.";
const SIGNED_OUT = "You are signed out. Sign in again, in another tab if you like, then reload this page.";
const RELOAD = "Reload this page and try again.";

/** Posts JSON with Django's CSRF token, which stands in the forms of every page. Never rejects. */
export async function post<Body>(url: string, body: object, options: Options = {}): Promise<Outcome<Body>> {
  try {
    const response = await send(url, body, options.cause);
    const isJson = response.headers.get("Content-Type")?.includes("json");
    const answer = isJson ? await response.json() : {};
    if (response.ok) return { problem: null, body: answer };
    const { errors = [] }: Refusal = answer;
    return { problem: sentence(response, answer, options.advice ?? RELOAD), errors, status: response.status };
  } catch {
    return { problem: UNREACHABLE, errors: [], status: null };
  }
}

function send(url: string, body: object, cause?: Event): Promise<Response> {
  const token = document.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]")?.value ?? "";
  const headers: Record<string, string> = { "Content-Type": "application/json", "X-CSRFToken": token };
  if (cause) headers["X-Clicked-Ms-Ago"] = Math.max(0, performance.now() - cause.timeStamp).toFixed(1);
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Why the server refused, as a sentence for a person. */
function sentence(response: Response, { errors, message }: Refusal, advice: string): string {
  if (response.status === 401) return SIGNED_OUT;
  const reason = errors?.[0]?.message ?? message;
  if (typeof reason === "string") return withWait(reason, response);
  return `The server answered with an error (${response.status}). ${advice}`;
}

/** Appends the time of the Retry-After header, unless the sentence names one. */
function withWait(sentence: string, response: Response): string {
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
