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

/** The JSON of the script that `data-from` names. Removes what the element held for readers without scripts. */
export function pageData<Data>(element: HTMLElement): Data {
  const source = document.getElementById(element.dataset["from"] ?? "");
  element.replaceChildren();
  return JSON.parse(source?.textContent ?? "null");
}

/** Milliseconds between two drawings in a hidden tab, which has no animation frames. */
const HIDDEN_TAB_MS = 1_000;

/** What a live element draws: all events up to `head`. */
export interface Drawn {
  readonly head: number;
  /** Everything up to `seq` is on the screen. */
  painted(seq: number): void;
}

/** Draws at most once an animation frame. */
export abstract class LiveElement extends PageElement {
  #drawn = 0;
  #awaitsPaint = false;

  protected abstract get drawn(): Drawn;

  /** An element that was removed must not change the page's title. */
  protected override shouldUpdate(): boolean {
    return this.isConnected;
  }

  protected override async scheduleUpdate(): Promise<void> {
    if (this.hasUpdated) await nextFrame();
    super.scheduleUpdate();
  }

  protected override updated(): void {
    this.#drawn = this.drawn.head;
    // A hidden tab paints nothing.
    if (this.#awaitsPaint || document.hidden) return;
    this.#awaitsPaint = true;
    // The task after the next frame.
    requestAnimationFrame(() =>
      setTimeout(() => {
        this.#awaitsPaint = false;
        this.drawn.painted(this.#drawn);
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
