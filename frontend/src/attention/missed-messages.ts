// The messages that a reader has missed, because the tab was hidden or the connection lost. Pure.

import { type Entry, type State, messageOf } from "../protocol/state.ts";

/** How many messages were missed, and the seq of the first entry among them. */
export type Missed = { readonly count: number; readonly before: number };

/** What was on the page when the reader left: up to which seq, and the ids of messages that were complete. */
export type Seen = { readonly head: number; readonly whole: ReadonlySet<string> };

export function missedSentence({ count }: Missed): string {
  return count === 1 ? "1 message while you were away" : `${count} messages while you were away`;
}

export function seenIn({ head, messages }: State): Seen {
  const whole = messages.filter(({ state }) => state !== "speaking");
  return { head, whole: new Set(whole.map(({ id }) => id)) };
}

/** What a reader missed who saw `seen`. After a brief absence, messages that had begun before it do not count, because
 * the reader still remembers the one they were reading. */
export function missedSince(seen: Seen, state: State, isBrief: boolean): Missed | null {
  const isMissed = (entry: Entry): boolean => {
    const isNew = entry.seq > seen.head;
    if (entry.type === "human_message" || entry.type === "complete") return isNew;
    const message = messageOf(state, entry);
    if (message?.state !== "done" || message.kind === "thinking") return false;
    return isBrief ? isNew : !seen.whole.has(message.id);
  };
  const entries = state.entries.filter(isMissed);
  const [first] = entries;
  // The verdict repeats the moderator's last message.
  const isRepeated = (entry: Entry): boolean => state.complete !== null && messageOf(state, entry)?.kind === "final";
  const count = entries.filter((entry) => !isRepeated(entry)).length;
  return first === undefined || count === 0 ? null : { count, before: first.seq };
}
