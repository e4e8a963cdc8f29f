// Where the reader is: at the page, or away from it; and where they go on when they are back.

import { Away, type Missed, awaySentence } from "./missed-messages.ts";
import type { Follow } from "./auto-scroll.ts";
import type { State } from "../protocol/state.ts";
import type { Timeline } from "../protocol/timeline.ts";

/** How the page stands to its reader. Times are of the wall clock, in milliseconds. */
export type Situation = {
  readonly isHidden: boolean;
  /** Whether all that has happened is on the page: nothing more will be, or the line is up and has caught up. */
  readonly isCurrent: boolean;
  /** When something last came over the line, and after how long a silence it must be dead. */
  readonly heardAt: number;
  readonly patience: number;
};

export class Reader {
  /** What stands behind the line that marks an absence, while it stands. */
  missed: Missed | null = null;

  #follow: Follow;
  #away = new Away();
  /** What stood in the log before this page was opened has not been missed. */
  #isAcquainted = false;
  /** Where the page has to be put once it is drawn. */
  #goesOn: "at the first" | "at the newest" | null = null;

  constructor(follow: Follow) {
    this.#follow = follow;
  }

  /** Something of the situation has changed. Returns the sentence for a voice when a reader is back who has missed
   * something, else null. */
  look(situation: Situation, state: State, timeline: Timeline): string | null {
    this.#isAcquainted ||= situation.isCurrent;
    if (situation.isCurrent && !situation.isHidden) return this.#comeBack(state, timeline);
    if (this.#isAcquainted) this.#leave(situation, state);
    return null;
  }

  /** Whether the page still has to be put where a reader who is back goes on. */
  get isBack(): boolean {
    return this.#goesOn !== null;
  }

  /** The page has been drawn, with the line of the absence, if there is one. */
  putBack(line: Element | null): void {
    if (this.#goesOn !== null) this.#follow.release(this.#goesOn === "at the first" ? line : null);
    this.#goesOn = null;
  }

  #leave({ isHidden, heardAt, patience }: Situation, state: State): void {
    if (this.#away.is) return;
    const now = Date.now();
    // A line is found dead some time after it died.
    this.#away.leave(!isHidden && now - heardAt > patience ? heardAt : now, state);
    this.#follow.hold();
  }

  #comeBack(state: State, timeline: Timeline): string | null {
    if (!this.#away.is) return null;
    const missed = this.#away.back(Date.now(), state, timeline);
    this.#goesOn = missed ? "at the first" : "at the newest";
    // An absence that was none leaves the line of the last one where it is.
    if (missed !== undefined) this.missed = missed;
    return missed ? `${awaySentence(missed)}.` : null;
  }
}
