// The base classes of the site's custom elements.

import { LitElement } from "lit";

/** Draws into the page itself instead of a shadow root, so that the site's styles reach it. */
export class PageElement extends LitElement {
  #inPage = new AbortController();

  /** The element has come into the page, and is there until `signal` aborts. */
  protected entered?(signal: AbortSignal): void;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#inPage = new AbortController();
    this.entered?.(this.#inPage.signal);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#inPage.abort();
  }

  protected override createRenderRoot(): this {
    return this;
  }
}

/** Milliseconds between two drawings in a hidden tab, which has no animation frames. */
const HIDDEN_TAB_MS = 1_000;

/** Draws at most once an animation frame. */
export abstract class LiveElement extends PageElement {
  #awaitsPaint = false;

  /** What has been drawn is on the screen. A hidden tab paints nothing. */
  protected abstract painted(): void;

  protected override async scheduleUpdate(): Promise<void> {
    if (this.hasUpdated) await nextFrame();
    super.scheduleUpdate();
  }

  protected override updated(): void {
    if (this.#awaitsPaint || document.hidden) return;
    this.#awaitsPaint = true;
    // The task after the next frame.
    requestAnimationFrame(() =>
      setTimeout(() => {
        this.#awaitsPaint = false;
        this.painted();
      }),
    );
  }
}

function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => resolve());
    setTimeout(resolve, HIDDEN_TAB_MS);
  });
}
