// Requests to the JSON API.

import { waitTime } from "./format.ts";

export type FieldError = { readonly field: string; readonly message: string; readonly rule?: string };

/** The response's JSON, or why there is none: a sentence for a person, the errors of single fields, the status, which is
 * null if no server answered, and the answer, an empty object if it was no JSON. */
export type Outcome<Body> =
  | { readonly problem: null; readonly body: Body }
  | { readonly problem: string; readonly errors: readonly FieldError[]; readonly status: number | null; readonly answer: object };

/** `cause` is the click that caused the request; its age in milliseconds is sent for traces. `advice` is what to do
 * after an error of the server. */
type Options = { readonly cause?: Event; readonly advice?: string };

type Refusal = { readonly message?: unknown; readonly errors?: readonly FieldError[] };

const UNREACHABLE = "The server could not be reached. Check the connection and try again.";
const SIGNED_OUT = "You are signed out. Sign in again, in another tab if you like, then reload this page.";
const RELOAD = "Reload this page and try again.";
const RETRY = "Try again.";

/** Posts JSON with Django's CSRF token, which stands in the forms of every page. Never rejects. */
export function post<Body>(url: string, body: object, options: Options = {}): Promise<Outcome<Body>> {
  return request("POST", url, body, options);
}

/** Sends a request, with JSON if there is a body. Never rejects. */
export async function request<Body>(
  method: string,
  url: string,
  body?: object,
  options: Options = {},
): Promise<Outcome<Body>> {
  try {
    const response = await send(method, url, body, options.cause);
    // A 204 has the type, and no body.
    const isJson = response.status !== 204 && response.headers.get("Content-Type")?.includes("json");
    return outcome(response, isJson ? await response.json() : {}, options.advice ?? RELOAD);
  } catch {
    return unreachable();
  }
}

/** Uploads a file, and reports its progress from 0 to 1. Never rejects. */
export function upload<Body>(
  url: string,
  file: File,
  progress: (done: number) => void,
  signal: AbortSignal,
): Promise<Outcome<Body>> {
  // fetch does not report the progress of a request.
  const request = new XMLHttpRequest();
  request.open("POST", url);
  request.setRequestHeader("X-CSRFToken", csrfToken());
  request.upload.onprogress = ({ loaded, total }) => progress(total > 0 ? loaded / total : 0);
  const form = new FormData();
  form.append("file", file);
  return new Promise((resolve) => {
    request.onload = () => resolve(outcome(responseOf(request), jsonOf(request.responseText), RETRY));
    request.onerror = request.onabort = () => resolve(unreachable());
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

type Answered = Pick<Response, "ok" | "status"> & { readonly headers: Pick<Headers, "get"> };

function responseOf(request: XMLHttpRequest): Answered {
  const { status } = request;
  return { ok: status >= 200 && status < 300, status, headers: { get: (name) => request.getResponseHeader(name) } };
}

function jsonOf(text: string): object {
  try {
    return JSON.parse(text) as object;
  } catch {
    return {};
  }
}

function outcome<Body>(response: Answered, answer: Refusal & object, advice: string): Outcome<Body> {
  if (response.ok) return { problem: null, body: answer as Body };
  const { errors = [] } = answer;
  return { problem: sentence(response, answer, advice), errors, status: response.status, answer };
}

function unreachable(): Outcome<never> {
  return { problem: UNREACHABLE, errors: [], status: null, answer: {} };
}

function csrfToken(): string {
  return document.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]")?.value ?? "";
}

function send(method: string, url: string, body?: object, cause?: Event): Promise<Response> {
  const headers: Record<string, string> = { "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
  if (cause) headers["X-Clicked-Ms-Ago"] = Math.max(0, performance.now() - cause.timeStamp).toFixed(1);
  return fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
}

/** Why the server refused, as a sentence for a person. */
function sentence(response: Answered, { errors, message }: Refusal, advice: string): string {
  if (response.status === 401) return SIGNED_OUT;
  const reason = errors?.[0]?.message ?? message;
  if (typeof reason === "string") return withWait(reason, response);
  return `The server answered with an error (${response.status}). ${advice}`;
}

/** Appends the time of the Retry-After header, unless the sentence names one. */
function withWait(sentence: string, response: Answered): string {
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
