// Parts of a page that are loaded when they are needed. The page says so when one cannot be loaded, and tries again.

import { type ReactiveControllerHost, type TemplateResult, html, nothing } from "lit";

/** A chunk of an element. `name` begins a sentence. */
export class LazyPart<Chunk> {
  #host: ReactiveControllerHost;
  #name: string;
  #import: () => Promise<Chunk>;
  #retry: (() => void) | null = null;

  constructor(host: ReactiveControllerHost, name: string, load: () => Promise<Chunk>) {
    this.#host = host;
    this.#name = name;
    this.#import = load;
  }

  /** The chunk, at last: after a failure it waits until a person tries again. */
  async load(): Promise<Chunk> {
    for (;;) {
      try {
        return await this.#import();
      } catch {
        await new Promise<void>((resolve) => this.#show(resolve));
        this.#show(null);
      }
    }
  }

  /** What to show of it: nothing, or that it is missing. */
  get problem(): TemplateResult | typeof nothing {
    return this.#retry === null ? nothing : loadProblem(this.#name, this.#retry);
  }

  #show(retry: (() => void) | null): void {
    this.#retry = retry;
    this.#host.requestUpdate();
  }
}

/** The sentence on a part that could not be loaded, with a button that tries again. */
export function loadProblem(name: string, retry: () => void): TemplateResult {
  return html`<p class="load-problem" role="alert" data-testid="load-problem">
    ${name} could not be loaded. Check the connection. <button type="button" class="link" @click=${retry}>Try again</button>
  </p>`;
}

/** Calls `seen` once the element comes into view, unless `signal` aborts before. */
export function whenSeen(element: Element, signal: AbortSignal, seen: () => void): void {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    observer.disconnect();
    seen();
  });
  observer.observe(element);
  signal.addEventListener("abort", () => observer.disconnect());
}
