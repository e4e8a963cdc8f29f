// What a reader has missed: the messages that came while nobody looked, or while nothing could arrive. Pure.

import type { State } from "../protocol/state.ts";
import { type Timeline, keyOf } from "../protocol/timeline.ts";

/** After less than this, a reader still knows what was being said. Milliseconds. */
const BRIEF = 5_000;

/** So many messages were missed, and the entry with this key is the first of them. */
export type Missed = { readonly count: number; readonly before: string };

/** What a reader had before them when they left. */
type Seen = {
  readonly begun: ReadonlySet<string>;
  readonly whole: ReadonlySet<string>;
  readonly humans: number;
  readonly judged: boolean;
};

export class Away {
  #left: { readonly at: number; readonly seen: Seen } | null = null;

  /** Whether the reader is away. */
  get is(): boolean {
    return this.#left !== null;
  }

  /** The reader leaves, at this moment and with this before them. Who has left already has left. */
  leave(now: number, state: State): void {
    this.#left ??= { at: now, seen: seenIn(state) };
  }

  /** The reader is back, and everything has arrived. Null where nothing was missed; undefined where the absence was
   * too brief to be one. */
  back(now: number, state: State, timeline: Timeline): Missed | null | undefined {
    const left = this.#left;
    this.#left = null;
    if (left === null) return undefined;
    const brief = now - left.at < BRIEF;
    return missed(state, timeline, left.seen, brief) ?? (brief ? undefined : null);
  }
}

export function awaySentence({ count }: Missed): string {
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

function missed(state: State, timeline: Timeline, seen: Seen, brief: boolean): Missed | null {
  const known = brief ? seen.begun : seen.whole;
  const messages = new Map(state.messages.map((message) => [message.id, message]));
  let count = 0;
  let before: string | null = null;
  for (const entry of timeline.entries) {
    let counts = false;
    if (entry.kind === "message") {
      const message = messages.get(entry.id);
      if (message?.state !== "done" || known.has(entry.id)) continue;
      // The moderator's last message and the verdict are one thing, said in one place.
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
