// The messages that a reader has missed, because the tab was hidden or the connection lost. Pure.

import { type Entry, type State, keyOf, spokenMessages } from "../protocol/state.ts";

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
  const fresh = spokenMessages(state).filter((message) => message.state === "done" && !known.has(message.id));
  const messages = new Map(fresh.map((message) => [message.id, message]));
  const entries = state.entries.filter((entry) => {
    if (entry.kind === "message") return messages.has(entry.id);
    if (entry.kind === "human") return entry.index >= seen.humans;
    return entry.kind === "verdict" && !seen.judged;
  });
  // The verdict repeats the moderator's last message.
  const isRepeated = (entry: Entry): boolean =>
    entry.kind === "message" && messages.get(entry.id)?.kind === "final" && state.complete !== null;
  const count = entries.filter((entry) => !isRepeated(entry)).length;
  const [first] = entries;
  return first === undefined || count === 0 ? null : { count, before: keyOf(first) };
}
