// Whether the reader is absent, and where the page scrolls when they return.

import { type Missed, type Seen, missedSentence, missedSince, seenIn } from "./missed-messages.ts";
import type { AutoScroll } from "./auto-scroll.ts";
import type { State } from "../protocol/state.ts";

/** A shorter absence is brief, in milliseconds. */
const BRIEF = 5_000;

/** Whether the page is seen and current. Times are of the wall clock, in milliseconds. */
export type Situation = {
  readonly isHidden: boolean;
  /** Whether the page has everything: the debate is closed, or the connection is live and has caught up. */
  readonly isCurrent: boolean;
  /** When a frame last arrived, and the silence after which the connection counts as dead. */
  readonly receivedAt: number;
  readonly patience: number;
};

export class ReadPosition {
  /** The content of the last absence's divider, while it is shown. */
  missed: Missed | null = null;

  #scroll: AutoScroll;
  /** The absence: when it began, and what was on the page. */
  #absence: { readonly at: number; readonly seen: Seen } | null = null;
  /** Whether the page was ever current. Messages before that have not been missed. */
  #wasCurrent = false;
  /** Where the page scrolls after it is drawn. */
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

  /** The page has been drawn: scrolls to where the reader left off. `divider` marks the absence, if there is one. */
  restore(divider: Element | null): void {
    if (this.#target !== null) this.#scroll.release(this.#target === "first missed" ? divider : null);
    this.#target = null;
  }

  /** Goes to the newest text, and follows it. */
  follow(): void {
    this.#scroll.toNewest();
  }

  #beginAbsence({ isHidden, receivedAt, patience }: Situation, state: State): void {
    if (this.#absence !== null) return;
    const now = Date.now();
    // A dead connection is noticed only after some time.
    const at = !isHidden && now - receivedAt > patience ? receivedAt : now;
    this.#absence = { at, seen: seenIn(state) };
    this.#scroll.hold();
  }

  #endAbsence(state: State): string | null {
    const absence = this.#absence;
    if (absence === null) return null;
    this.#absence = null;
    const isBrief = Date.now() - absence.at < BRIEF;
    const missed = missedSince(absence.seen, state, isBrief);
    this.#target = missed ? "first missed" : "newest";
    // A brief absence in which nothing was missed keeps the previous divider.
    if (missed !== null || !isBrief) this.missed = missed;
    return missed ? `${missedSentence(missed)}.` : null;
  }
}
