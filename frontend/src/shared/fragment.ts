// The fragment of an address, such as a link to a message, on the way through signing in: forms drop it, and so does the
// site of a provider. It is kept in the tab until the page that was asked for is there.

const KEY = "outcry:fragment";

type Kept = { readonly path: string; readonly hash: string };

export function keepFragment(): void {
  try {
    if (document.querySelector(".entrance") === null) restore();
    else if (location.hash !== "") keep();
  } catch {
    // The storage is blocked: the page opens at its top.
  }
}

function keep(): void {
  const path = new URLSearchParams(location.search).get("next");
  if (path !== null) sessionStorage.setItem(KEY, JSON.stringify({ path, hash: location.hash } satisfies Kept));
}

function restore(): void {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Kept | null;
  sessionStorage.removeItem(KEY);
  if (kept?.path === location.pathname && location.hash === "") history.replaceState(history.state, "", kept.hash);
}
