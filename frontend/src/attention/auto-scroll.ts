// Keeps the newest text in view while the reader is at the bottom of the page; otherwise does not scroll.

/** This close to the bottom counts as at the bottom, in pixels. */
const NEAR = 96;

export class AutoScroll {
  #following: boolean;
  #held = false;
  #lastTop = 0;
  #changed: () => void;

  /** Calls `changed` whenever the reader leaves the bottom or returns to it, until `signal` aborts. */
  constructor(following: boolean, changed: () => void, signal: AbortSignal) {
    this.#following = following;
    this.#changed = changed;
    addEventListener("scroll", () => this.#onScroll(), { passive: true, signal });
    const resizes = new ResizeObserver(() => this.#onResize());
    resizes.observe(document.body);
    signal.addEventListener("abort", () => resizes.disconnect());
  }

  /** Whether there is newer text below the visible part. */
  get isBehind(): boolean {
    return !this.#following && below() > NEAR;
  }

  /** The reader is absent: do not scroll until `release`. */
  hold(): void {
    this.#held = true;
  }

  /** The reader is back. If they were at the bottom, the page goes to `first`, the first entry they missed, or to the
   * bottom again. */
  release(first: Element | null): void {
    this.#held = false;
    if (!this.#following) return this.#changed();
    if (first === null) return this.#onResize();
    this.#following = false;
    first.scrollIntoView({ block: "start", behavior: "instant" });
    this.#onScroll();
    this.#changed();
  }

  toBottom(): void {
    scrollTo({ top: document.documentElement.scrollHeight, behavior: motion() });
  }

  to(element: Element): void {
    element.scrollIntoView({ block: "nearest", behavior: motion() });
  }

  #onResize(): void {
    if (this.#held) return;
    if (this.#following) scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
    else this.#changed();
  }

  /** Only the reader scrolls up; new text never does. */
  #onScroll(): void {
    const up = scrollY < this.#lastTop;
    this.#lastTop = scrollY;
    const following = below() <= NEAR || (this.#following && !up);
    if (following === this.#following) return;
    this.#following = following;
    this.#changed();
  }
}

function motion(): ScrollBehavior {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
}

/** The pixels below the visible part. */
function below(): number {
  return document.documentElement.scrollHeight - innerHeight - scrollY;
}
