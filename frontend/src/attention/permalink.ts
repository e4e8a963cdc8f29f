// A link to one message: the page goes there, and marks it.

import { PageElement } from "../shared/page-element.ts";
import { drawnAll } from "../shared/slices.ts";
import { after } from "../shared/timers.ts";

/** The messages' ids begin with this. */
const PREFIX = "m-";
/** By these the reader scrolls. */
const SCROLLING = ["wheel", "touchmove", "keydown", "pointerdown"] as const;

/** After everything is drawn: formulas are, and what comes near the window is laid out. */
const SETTLING_MS = 1_500;

export class Permalink {
  #wanted = fragment();

  /** Follows links within the page until `signal` aborts. */
  constructor(signal: AbortSignal) {
    const follow = (): void => {
      this.#wanted = fragment();
      void this.follow();
    };
    addEventListener("hashchange", follow, { signal });
    // After a reload the browser would go back to where the page was.
    if (this.isAhead) history.scrollRestoration = "manual";
  }

  /** Whether the page's address names a message that has not been drawn yet. */
  get isAhead(): boolean {
    return this.#wanted !== null;
  }

  /** The page has been drawn: goes to the message once it is there. Resolves to the message when the page has been there,
   * null if there was none to go to. */
  async follow(): Promise<HTMLElement | null> {
    const message = this.#wanted === null ? null : document.getElementById(this.#wanted);
    if (message === null) return null;
    this.#wanted = null;
    // Messages draw themselves, those above this one first.
    if (message instanceof PageElement) await message.updateComplete;
    for (const marked of document.querySelectorAll("[data-linked]")) marked.removeAttribute("data-linked");
    message.dataset["linked"] = "";
    message.focus({ preventScroll: true });
    await kept(message);
    return message;
  }
}

/** Keeps a message at the top of the window, while what is above gets its final height, until that is over or the reader
 * scrolls. */
async function kept(message: HTMLElement): Promise<void> {
  const show = (): void => message.scrollIntoView({ block: "start", behavior: "instant" });
  const reader = new AbortController();
  const resizes = new ResizeObserver(show);
  reader.signal.addEventListener("abort", () => resizes.disconnect());
  for (const type of SCROLLING) addEventListener(type, () => reader.abort(), { signal: reader.signal, passive: true });
  show();
  resizes.observe(document.body);
  await drawnAll();
  after(SETTLING_MS, () => reader.abort(), reader.signal);
}

function fragment(): string | null {
  const id = location.hash.slice(1);
  return id.startsWith(PREFIX) ? id : null;
}
