// When to draw a page that changes often, and when the drawn page is on the screen.

const HIDDEN_TAB_MS = 1_000;

/** Draws at most once an animation frame; in a hidden tab, which has none, once a second. */
export class DrawScheduler {
  #draw: () => void;
  #cancel: (() => void) | null = null;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  request(): void {
    if (this.#cancel) return;
    const draw = (): void => {
      this.#cancel?.();
      this.#cancel = null;
      this.#draw();
    };
    const frame = requestAnimationFrame(draw);
    const timer = setTimeout(draw, HIDDEN_TAB_MS);
    this.#cancel = () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }
}

/** Calls `painted` when what has been drawn is on the screen: in the task after the next frame. A hidden tab paints
 * nothing. */
export class PaintObserver {
  #painted: () => void;
  #isWaiting = false;

  constructor(painted: () => void) {
    this.#painted = painted;
  }

  drawn(): void {
    if (this.#isWaiting || document.hidden) return;
    this.#isWaiting = true;
    requestAnimationFrame(() =>
      setTimeout(() => {
        this.#isWaiting = false;
        this.#painted();
      }),
    );
  }
}
