// Keeps the newest text in view while the reader is at the bottom of the page; otherwise does not scroll.

/** This close to the bottom counts as at the bottom, in pixels. */
const NEAR = 96;

export class AutoScroll {
  #following: boolean;
  #held = false;
  #lastTop = 0;
  #changed: () => void;
  #resizes = new ResizeObserver(() => this.#onResize());
  #listener = (): void => this.#onScroll();

  /** Calls `changed` whenever the reader leaves the bottom or returns to it. */
  constructor(following: boolean, changed: () => void) {
    this.#following = following;
    this.#changed = changed;
  }

  /** Whether there is newer text below the visible part. */
  get isBehind(): boolean {
    return !this.#following && below() > NEAR;
  }

  start(): void {
    addEventListener("scroll", this.#listener, { passive: true });
    this.#resizes.observe(document.body);
  }

  stop(): void {
    removeEventListener("scroll", this.#listener);
    this.#resizes.disconnect();
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
