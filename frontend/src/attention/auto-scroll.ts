// Keeps the newest text in view while the reader is at the bottom of the page; otherwise does not scroll. Once the
// debate has ended it shows the result, and scrolls no more.

/** This close to the bottom counts as at the bottom, in pixels. */
const NEAR = 96;

export class AutoScroll {
  #following: boolean;
  #held = false;
  #lastTop = 0;
  #wasBehind = false;
  /** Whether the reader is opening or closing something. */
  #isToggling = false;
  #result: Element | null = null;
  /** Whether the result's top is held in view until the reader moves: what stands above it may still change its height. */
  #isPinned = false;
  #changed: () => void;

  /** Calls `changed` whenever `isBehind` may have changed, until `signal` aborts. */
  constructor(following: boolean, changed: () => void, signal: AbortSignal) {
    this.#following = following;
    this.#changed = changed;
    addEventListener("scroll", () => this.#onScroll(), { passive: true, signal });
    document.addEventListener("click", (event) => this.#onClick(event), { capture: true, signal });
    document.addEventListener("toggle", (event) => this.#onToggle(event), { capture: true, signal });
    for (const type of ["wheel", "touchmove", "keydown", "pointerdown"]) {
      addEventListener(type, () => (this.#isPinned = false), { capture: true, passive: true, signal });
    }
    const resizes = new ResizeObserver(() => this.#onResize());
    resizes.observe(document.body);
    signal.addEventListener("abort", () => resizes.disconnect());
  }

  /** Whether there is newer text, or the result, below the visible part. */
  get isBehind(): boolean {
    if (this.#result !== null) return this.#result.getBoundingClientRect().top > innerHeight - NEAR;
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

  /** The debate has ended, while the page was open if `isNews`. Then, if the reader is there and followed it, the top of
   * `result` comes into view. */
  end(result: Element, isNews: boolean): void {
    this.#result = result;
    if (this.#held) return;
    this.#isPinned = this.#following && isNews;
    this.#showPinned();
    this.#following = false;
    this.#changed();
  }

  /** Goes to the newest text, or to the result. */
  toNewest(): void {
    if (this.#result !== null) this.#result.scrollIntoView({ block: "start", behavior: motion() });
    else scrollTo({ top: document.documentElement.scrollHeight, behavior: motion() });
  }

  to(element: Element): void {
    element.scrollIntoView({ block: "nearest", behavior: motion() });
  }

  #showPinned(): void {
    if (this.#isPinned) this.#result?.scrollIntoView({ block: "start", behavior: "instant" });
  }

  #onResize(): void {
    if (this.#held || this.#isToggling) return;
    this.#showPinned();
    if (this.#following && this.#result === null) {
      scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
    } else this.#changed();
  }

  /** Only the reader scrolls up; new text never does. */
  #onScroll(): void {
    const up = scrollY < this.#lastTop;
    this.#lastTop = scrollY;
    this.#following = this.#result === null && (below() <= NEAR || (this.#following && !up));
    const { isBehind } = this;
    if (isBehind === this.#wasBehind) return;
    this.#wasBehind = isBehind;
    this.#changed();
  }

  #onClick({ target }: Event): void {
    const summary = target instanceof Element ? target.closest("summary") : null;
    if (summary !== null) this.#isToggling = !isSticky(summary);
  }

  /** What a reader opens in the page's flow must not be scrolled away, though it makes the page longer. */
  #onToggle({ target }: Event): void {
    if (!this.#isToggling) return;
    this.#isToggling = false;
    this.#following &&= !(target as HTMLDetailsElement).open && below() <= NEAR;
    this.#changed();
  }
}

function isSticky(element: Element): boolean {
  const parent = element.parentElement;
  return getComputedStyle(element).position === "sticky" || (parent !== null && isSticky(parent));
}

function motion(): ScrollBehavior {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
}

/** The pixels below the visible part. */
function below(): number {
  return document.documentElement.scrollHeight - innerHeight - scrollY;
}
