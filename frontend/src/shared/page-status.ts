// The status of the debate that this page shows, for parts of the page that list debates.

const SHOWN = "outcry:status";

/** `word` is what the page calls the status; `verdict` is null until there is one, `reason` why it has no stance. */
export type PageStatus = {
  readonly status: string;
  readonly word: string;
  readonly verdict: string | null;
  readonly reason: string | null;
};

export function tellStatus(shown: PageStatus): void {
  document.dispatchEvent(new CustomEvent<PageStatus>(SHOWN, { detail: shown }));
}

export function onStatus(told: (shown: PageStatus) => void, signal: AbortSignal): void {
  document.addEventListener(SHOWN, (event) => told((event as CustomEvent<PageStatus>).detail), { signal });
}
