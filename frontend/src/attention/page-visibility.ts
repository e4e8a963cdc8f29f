// Whether the page is visible, and whether its connection may have been lost without a close.

import { every } from "../shared/timers.ts";

/** A timer that is this late, in milliseconds, means that the machine or the tab was suspended. */
const SUSPENDED = 10_000;
const CHECK_EVERY = 5_000;

export type VisibilityListener = {
  /** The tab is shown or hidden, or the browser is online or offline. */
  readonly changed: () => void;
  /** The connection may be dead: the network changed, or the machine was suspended. */
  readonly doubt: () => void;
  /** The page was restored from the back/forward cache: its socket is gone, though no close event came. */
  readonly revived: () => void;
};

/** Tells the listener until `signal` aborts. */
export function watchVisibility({ changed, doubt, revived }: VisibilityListener, signal: AbortSignal): void {
  const back = (): void => {
    if (!document.hidden) doubt();
    changed();
  };
  // A browser may report offline though the connection to this server works: test the connection itself.
  for (const name of ["online", "offline"]) addEventListener(name, back, { signal });
  document.addEventListener("visibilitychange", back, { signal });
  addEventListener("pageshow", ({ persisted }) => persisted && revived(), { signal });
  network()?.addEventListener("change", doubt, { signal });
  detectSuspension(doubt, signal);
}

/** By the wall clock: the monotonic one may stop while the machine sleeps. */
function detectSuspension(suspended: () => void, signal: AbortSignal): void {
  let last = Date.now();
  const check = (): void => {
    const late = Date.now() - last - CHECK_EVERY;
    last = Date.now();
    // Browsers delay timers in hidden tabs; the connection is tested when the tab is shown.
    if (late > SUSPENDED && !document.hidden) suspended();
  };
  every(CHECK_EVERY, check, signal);
}

/** The Network Information API, which not every browser has. */
function network(): EventTarget | undefined {
  return (navigator as Navigator & { readonly connection?: EventTarget }).connection;
}
