// The messages that a reader has missed, because the tab was hidden or the connection lost. Pure.

import { type State, keyOf } from "../protocol/state.ts";

/** Milliseconds. A shorter absence does not count, because the reader still remembers the message they were reading. */
const BRIEF = 5_000;

/** How many messages were missed, and the key of the first entry among them. */
export type Missed = { readonly count: number; readonly before: string };

/** What was on the page when the reader left. */
type Seen = {
  readonly begun: ReadonlySet<string>;
  readonly whole: ReadonlySet<string>;
  readonly humans: number;
  readonly judged: boolean;
};

export class Absence {
  #left: { readonly at: number; readonly seen: Seen } | null = null;

  get hasBegun(): boolean {
    return this.#left !== null;
  }

  /** The reader leaves at `now`, with `state` on the page. Does nothing during an absence. */
  begin(now: number, state: State): void {
    this.#left ??= { at: now, seen: seenIn(state) };
  }

  /** The reader is back, and everything has arrived. Null if nothing was missed; undefined if there was no absence,
   * or one too brief to count. */
  end(now: number, state: State): Missed | null | undefined {
    const left = this.#left;
    this.#left = null;
    if (left === null) return undefined;
    const brief = now - left.at < BRIEF;
    return missed(state, left.seen, brief) ?? (brief ? undefined : null);
  }
}

export function missedSentence({ count }: Missed): string {
  return count === 1 ? "1 message while you were away" : `${count} messages while you were away`;
}

function seenIn(state: State): Seen {
  return {
    begun: new Set(state.messages.map(({ id }) => id)),
    whole: new Set(state.messages.filter((message) => message.state !== "speaking").map(({ id }) => id)),
    humans: state.humans.length,
    judged: state.complete !== null,
  };
}

function missed(state: State, seen: Seen, brief: boolean): Missed | null {
  const known = brief ? seen.begun : seen.whole;
  const messages = new Map(state.messages.map((message) => [message.id, message]));
  let count = 0;
  let before: string | null = null;
  for (const entry of state.entries) {
    let counts = false;
    if (entry.kind === "message") {
      const message = messages.get(entry.id);
      if (message?.state !== "done" || known.has(entry.id)) continue;
      // The verdict repeats the moderator's last message.
      counts = message.kind !== "final" || state.complete === null;
    } else if (entry.kind === "human") {
      if (entry.index < seen.humans) continue;
      counts = true;
    } else if (entry.kind === "verdict") {
      if (seen.judged) continue;
      counts = true;
    } else continue;
    before ??= keyOf(entry);
    if (counts) count += 1;
  }
  return before === null || count === 0 ? null : { count, before };
}
