// What happened in which order. The folded state says what there is; a page also shows it in place.

import type { Status } from "./events.gen.ts";
import { type LogEvent, isTerminal } from "./state.ts";

/** A thing to show: a message by its id, anything else by its place in the state's list. */
export type Entry =
  | { readonly kind: "message"; readonly id: string; readonly at: string }
  | {
      readonly kind: "human" | "request" | "control" | "fallback" | "error" | "verdict" | "budget";
      readonly index: number;
    };

export type Timeline = {
  readonly entries: readonly Entry[];
  /** When the debate began to run and when it ended, or null. */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
};

export const NOTHING_YET: Timeline = { entries: [], startedAt: null, endedAt: null };

const SHOWN = {
  human_message: "human",
  input_request: "request",
  control: "control",
  fallback: "fallback",
  error: "error",
  complete: "verdict",
} as const;

/** What an entry is called, the same as long as it stands. */
export function keyOf(entry: Entry): string {
  return entry.kind === "message" ? entry.id : `${entry.kind} ${entry.index}`;
}

export function extend(timeline: Timeline, event: LogEvent): Timeline {
  switch (event.type) {
    case "message_start":
      return withEntry(timeline, { kind: "message", id: event.data.message, at: event.at });
    case "human_message":
    case "input_request":
    case "control":
    case "fallback":
    case "error":
    case "complete": {
      const kind = SHOWN[event.type];
      const index = timeline.entries.filter((entry) => entry.kind === kind).length;
      return withEntry(timeline, { kind, index });
    }
    case "status": {
      const { status, reason } = event.data;
      // Said once, where it happened, though the end repeats it.
      const isFirst = reason === "budget" && timeline.entries.every((entry) => entry.kind !== "budget");
      return withStatus(isFirst ? withEntry(timeline, { kind: "budget", index: 0 }) : timeline, status, event.at);
    }
    default:
      return timeline;
  }
}

function withStatus(timeline: Timeline, status: Status, at: string): Timeline {
  if (status === "queued") return timeline;
  if (isTerminal(status)) return { ...timeline, endedAt: at };
  return { ...timeline, startedAt: timeline.startedAt ?? at };
}

function withEntry(timeline: Timeline, entry: Entry): Timeline {
  return { ...timeline, entries: [...timeline.entries, entry] };
}
