// The messages that a reader has missed, because the tab was hidden or the connection lost. Pure.

import { type Entry, type State, messageOf } from "../protocol/state.ts";

/** Milliseconds. A shorter absence does not count, because the reader still remembers the message they were reading. */
const BRIEF = 5_000;

/** How many messages were missed, and the seq of the first entry among them. */
export type Missed = { readonly count: number; readonly before: number };

/** What was on the page when the reader left: up to which seq, and the ids of messages that were complete. */
type Seen = { readonly head: number; readonly whole: ReadonlySet<string> };

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

function seenIn({ head, messages }: State): Seen {
  const whole = messages.filter(({ state }) => state !== "speaking");
  return { head, whole: new Set(whole.map(({ id }) => id)) };
}

function missed(state: State, seen: Seen, brief: boolean): Missed | null {
  const isMissed = (entry: Entry): boolean => {
    const isNew = entry.seq > seen.head;
    if (entry.type === "human_message" || entry.type === "complete") return isNew;
    const message = messageOf(state, entry);
    if (message?.state !== "done" || message.kind === "thinking") return false;
    return brief ? isNew : !seen.whole.has(message.id);
  };
  const entries = state.entries.filter(isMissed);
  const [first] = entries;
  // The verdict repeats the moderator's last message.
  const isRepeated = (entry: Entry): boolean => state.complete !== null && messageOf(state, entry)?.kind === "final";
  const count = entries.filter((entry) => !isRepeated(entry)).length;
  return first === undefined || count === 0 ? null : { count, before: first.seq };
}
