// Whether the reader is absent, and where the page goes on when they return.

import { Absence, type Missed, missedSentence } from "./missed-messages.ts";
import type { AutoScroll } from "./auto-scroll.ts";
import type { State } from "../protocol/state.ts";

/** Whether the page is seen and current. Times are of the wall clock, in milliseconds. */
export type Situation = {
  readonly isHidden: boolean;
  /** Whether the page has everything: the debate is closed, or the connection is live and has caught up. */
  readonly isCurrent: boolean;
  /** When a frame last arrived, and after how long a silence the connection must be dead. */
  readonly receivedAt: number;
  readonly patience: number;
};

export class ReadPosition {
  /** What the divider of the last absence says, while it is shown. */
  missed: Missed | null = null;

  #scroll: AutoScroll;
  #absence = new Absence();
  /** Whether the page was ever current: what was in the log before has not been missed. */
  #wasCurrent = false;
  /** Where the page has to scroll once it is drawn. */
  #target: "first missed" | "newest" | null = null;

  constructor(scroll: AutoScroll) {
    this.#scroll = scroll;
  }

  /** The situation has changed. Returns a sentence to announce if the reader is back and has missed something, else
   * null. */
  update(situation: Situation, state: State): string | null {
    this.#wasCurrent ||= situation.isCurrent;
    if (situation.isCurrent && !situation.isHidden) return this.#endAbsence(state);
    if (this.#wasCurrent) this.#beginAbsence(situation, state);
    return null;
  }

  /** Whether the reader is back and the page has not scrolled yet. */
  get isBack(): boolean {
    return this.#target !== null;
  }

  /** The page has been drawn: scrolls to where the reader goes on. `divider` marks the absence, if there is one. */
  restore(divider: Element | null): void {
    if (this.#target !== null) this.#scroll.release(this.#target === "first missed" ? divider : null);
    this.#target = null;
  }

  #beginAbsence({ isHidden, receivedAt, patience }: Situation, state: State): void {
    if (this.#absence.hasBegun) return;
    const now = Date.now();
    // A connection is found dead some time after it died.
    this.#absence.begin(!isHidden && now - receivedAt > patience ? receivedAt : now, state);
    this.#scroll.hold();
  }

  #endAbsence(state: State): string | null {
    if (!this.#absence.hasBegun) return null;
    const missed = this.#absence.end(Date.now(), state);
    this.#target = missed ? "first missed" : "newest";
    // An absence too brief to count leaves the divider of the last one where it is.
    if (missed !== undefined) this.missed = missed;
    return missed ? `${missedSentence(missed)}.` : null;
  }
}
