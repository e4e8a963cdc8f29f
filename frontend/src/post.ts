// Requests to the API, for where the connection is not there to carry them.

type Body = { message?: unknown; errors?: readonly { message?: unknown }[] };

export const UNREACHABLE = "The server could not be reached. Check the connection and try again.";
const SIGNED_OUT = "You are signed out. Sign in again, in another tab if you like, then reload this page.";

/** Sends JSON, as Django wants it. Rejects where no server answers. */
export function send(url: string, csrfToken: string, body: object): Promise<Response> {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken };
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
    if (response.ok) return { ok: true };
    if (response.status === 401) return { ok: false, problem: SIGNED_OUT };
    return { ok: false, problem: await said(response) };
  } catch {
    return { ok: false, problem: UNREACHABLE };
  }
}

async function said(response: Response): Promise<string> {
  const broken = `The server answered with an error (${response.status}). Reload this page and try again.`;
  if (!response.headers.get("Content-Type")?.includes("json")) return broken;
  const body: Body = await response.json();
  const message = body.errors?.[0]?.message ?? body.message;
  return typeof message === "string" ? message : broken;
}
