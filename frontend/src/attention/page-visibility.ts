// Whether the page is visible, and whether its connection may have been lost without a close.

/** A timer that is this late, in milliseconds, means that the machine or the tab was suspended. */
const SUSPENDED = 10_000;
const CHECK_EVERY = 5_000;

export interface VisibilityListener {
  /** The tab is shown or hidden, or the browser is online or offline. */
  changed(): void;
  /** The connection may be dead: the network changed, or the machine was suspended. */
  doubt(): void;
  /** The page was restored from the back/forward cache: its socket is gone, though no close event came. */
  revived(): void;
}

export class PageVisibility {
  #listener: VisibilityListener;
  #subscriptions = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(listener: VisibilityListener) {
    this.#listener = listener;
  }

  get hidden(): boolean {
    return document.hidden;
  }

  get offline(): boolean {
    return !navigator.onLine;
  }

  start(): void {
    this.#subscriptions = new AbortController();
    const { signal } = this.#subscriptions;
    const changed = (): void => this.#listener.changed();
    const back = (): void => {
      if (!document.hidden) this.#listener.doubt();
      changed();
    };
    // A browser may report offline though the connection to this server works: test the connection itself.
    for (const name of ["online", "offline"]) addEventListener(name, back, { signal });
    document.addEventListener("visibilitychange", back, { signal });
    addEventListener("pageshow", ({ persisted }) => persisted && this.#listener.revived(), { signal });
    network()?.addEventListener("change", () => this.#listener.doubt(), { signal });
    this.#detectSuspension();
  }

  stop(): void {
    this.#subscriptions.abort();
    clearInterval(this.#timer);
  }

  /** By the wall clock: the monotonic one may stop while the machine sleeps. */
  #detectSuspension(): void {
    let last = Date.now();
    this.#timer = setInterval(() => {
      const late = Date.now() - last - CHECK_EVERY;
      last = Date.now();
      // Browsers delay timers in hidden tabs; the connection is tested when the tab is shown.
      if (late > SUSPENDED && !document.hidden) this.#listener.doubt();
    }, CHECK_EVERY);
  }
}

/** The Network Information API, which not every browser has. */
function network(): EventTarget | undefined {
  return (navigator as Navigator & { readonly connection?: EventTarget }).connection;
}
