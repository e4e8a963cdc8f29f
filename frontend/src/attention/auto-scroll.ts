// Keeps the newest words in view for a reader who is at the bottom, and leaves one alone who is not.

const NEAR = 96;

export class Follow {
  #following: boolean;
  #held = false;
  #lastTop = 0;
  #changed: () => void;
  #growth = new ResizeObserver(() => this.#grown());
  #listen = (): void => this.#look();

  /** Calls `changed` whenever the reader leaves the bottom or comes back to it. */
  constructor(following: boolean, changed: () => void) {
    this.#following = following;
    this.#changed = changed;
  }

  /** Whether there is something newer than what the reader sees. */
  get behind(): boolean {
    return !this.#following && below() > NEAR;
  }

  start(): void {
    addEventListener("scroll", this.#listen, { passive: true });
    this.#growth.observe(document.body);
  }

  stop(): void {
    removeEventListener("scroll", this.#listen);
    this.#growth.disconnect();
  }

  /** The reader is away: until they are back, the page stays where they left it. */
  hold(): void {
    this.#held = true;
  }

  /** They are back. Who was at the bottom is led to `first`, the first thing they missed, or to the bottom again. */
  release(first: Element | null): void {
    this.#held = false;
    if (!this.#following) return this.#changed();
    if (first === null) return this.#grown();
    this.#following = false;
    first.scrollIntoView({ block: "start", behavior: "instant" });
    this.#look();
    this.#changed();
  }

  toBottom(): void {
    scrollTo({ top: document.documentElement.scrollHeight, behavior: motion() });
  }

  to(element: Element): void {
    element.scrollIntoView({ block: "nearest", behavior: motion() });
  }

  #grown(): void {
    if (this.#held) return;
    if (this.#following) scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
    else this.#changed();
  }

  /** New words never move the page up; only a reader does. */
  #look(): void {
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

/** How many pixels lie below what the reader sees. */
function below(): number {
  return document.documentElement.scrollHeight - innerHeight - scrollY;
}
