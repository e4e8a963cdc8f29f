// The dashboard's list: rendered by the server, and fetched again while any of its debates is running.

const EVERY = 4_000;

export function keepDebatesFresh(): void {
  const schedule = (): void => void setTimeout(refresh, EVERY);
  const refresh = async (): Promise<void> => {
    const shown = list(document);
    if (!shown?.hasAttribute("data-running")) return;
    if (!document.hidden) {
      const fresh = await fetched(location.href);
      if (fresh && fresh.outerHTML !== shown.outerHTML) replace(shown, fresh);
    }
    schedule();
  };
  schedule();
}

function list(page: Document): HTMLElement | null {
  return page.querySelector<HTMLElement>("[data-debates]");
}

/** The list in a fresh copy of the page, or null if it cannot be fetched. XMLHttpRequest parses HTML without running
 * its scripts, and so needs no trusted type. */
function fetched(url: string): Promise<HTMLElement | null> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    request.onload = () => resolve(request.response ? list(request.response as Document) : null);
    request.onerror = () => resolve(null);
    request.send();
  });
}

/** Replaces the list; the focus stays on the same link. */
function replace(shown: HTMLElement, fresh: HTMLElement): void {
  const focused = shown.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
  const next = document.importNode(fresh, true);
  shown.replaceWith(next);
  if (focused) next.querySelector<HTMLElement>(`[href="${CSS.escape(focused)}"]`)?.focus();
}
