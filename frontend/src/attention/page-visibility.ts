// Whether somebody is looking, and whether the line may have changed under the page.

/** Timers that are so much late mean that the machine, or the tab, has slept. */
const ASLEEP = 10_000;
const LOOK_EVERY = 5_000;

export interface Attendant {
  /** The tab is shown or hidden, or the browser is online or offline. */
  changed(): void;
  /** The line may not be what it was: the network changed, or time passed in which nothing ran here. */
  doubt(): void;
  /** The page was put away whole and is taken out again: its socket is gone, though nothing said so. */
  revived(): void;
}

export class Presence {
  #attendant: Attendant;
  #listening = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(attendant: Attendant) {
    this.#attendant = attendant;
  }

  get hidden(): boolean {
    return document.hidden;
  }

  get offline(): boolean {
    return !navigator.onLine;
  }

  start(): void {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    const changed = (): void => this.#attendant.changed();
    const back = (): void => {
      if (!document.hidden) this.#attendant.doubt();
      changed();
    };
    // Some say offline while a line to this very server still stands: the line itself is asked.
    for (const name of ["online", "offline"]) addEventListener(name, back, { signal });
    document.addEventListener("visibilitychange", back, { signal });
    addEventListener("pageshow", ({ persisted }) => persisted && this.#attendant.revived(), { signal });
    network()?.addEventListener("change", () => this.#attendant.doubt(), { signal });
    this.#watchTheClock();
  }

  stop(): void {
    this.#listening.abort();
    clearInterval(this.#timer);
  }

  /** By the wall clock: the other one may stand still while the machine sleeps. */
  #watchTheClock(): void {
    let last = Date.now();
    this.#timer = setInterval(() => {
      const late = Date.now() - last - LOOK_EVERY;
      last = Date.now();
      // In a hidden tab timers are late by themselves; it is asked when it is shown.
      if (late > ASLEEP && !document.hidden) this.#attendant.doubt();
    }, LOOK_EVERY);
  }
}

/** Not every browser tells when a phone goes from one network to another. */
function network(): EventTarget | undefined {
  return (navigator as Navigator & { readonly connection?: EventTarget }).connection;
}
