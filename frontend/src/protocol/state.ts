// A conversation's state: the result of `reduce` for its events.

import type {
  AgentMessage,
  CheckedFigure,
  Complete,
  Control,
  Fallback,
  HumanMessage,
  InputRequest,
  Item,
  MessageStart,
  Mode,
  ResultTable,
  Routing,
  Snapshot,
  Status,
  StoredFrame,
  ToolStart,
  Usage,
} from "./events.gen.ts";

/** An event of the log: a frame that has a seq. */
export type LogEvent = StoredFrame & { seq: number };

/** The seq of the event before this one; for a frame that stands for several events, of the one before the first. */
export function seqBefore(event: LogEvent): number {
  return event.after ?? event.seq - 1;
}

export type Message = Omit<MessageStart, "message"> & {
  readonly id: string;
  readonly state: "speaking" | "done" | "discarded";
  readonly text: string;
  readonly tokens: number;
  readonly confidence: number | null;
  readonly usage: Usage | null;
  readonly cost: number | null;
  readonly finish_reason: AgentMessage["finish_reason"] | null;
  readonly duration_ms: number | null;
  readonly discard_reason: string | null;
  readonly figures: readonly CheckedFigure[];
};

export type Tool = ToolStart & {
  /** The id of the whole input, if `input` has only its beginning. */
  readonly input_text: string | null;
  readonly output: string | null;
  /** The id of the whole result, if `output` and `table` have only its beginning. */
  readonly output_text: string | null;
  readonly table: ResultTable | null;
  /** The items that the result added to the record. */
  readonly evidence: readonly string[];
  readonly checks: readonly string[];
  readonly error: string | null;
  /** Why it failed, in a sentence; it may be empty. */
  readonly reason: string;
  readonly duration_ms: number | null;
};

export type Request = InputRequest & {
  readonly state: "open" | "answered" | "expired";
  /** The person who skipped the question, or null. */
  readonly skipped_by: string | null;
};

export type Human = Omit<HumanMessage, "idempotency_key">;

export type AppliedControl = Omit<Control, "idempotency_key">;

export type Failure = { readonly code: string; readonly message: string; readonly retryable: boolean };

/** Equal to the JSON that the server's conversations/domain/transcript.py makes of the same events. */
export type Transcript = {
  readonly status: Status | null;
  readonly mode: Mode | null;
  readonly reason: string | null;
  readonly panel: string | null;
  readonly routing: Required<Routing> | null;
  readonly head: number;
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly humans: readonly Human[];
  readonly requests: readonly Request[];
  readonly controls: readonly AppliedControl[];
  readonly fallbacks: readonly Fallback[];
  readonly errors: readonly Failure[];
  readonly snapshot: Snapshot | null;
  readonly evidence: readonly Item[];
  readonly complete: Complete | null;
};

/** One item of the page: the event that began it. Messages and requests change: the transcript has their present
 * state. Of the statuses only the first one that tells of a reached budget is an entry. */
export type Entry = Extract<LogEvent, { readonly type: EntryType }>;

type EntryType =
  | "message_start"
  | "human_message"
  | "input_request"
  | "control"
  | "fallback"
  | "error"
  | "complete"
  | "status";

export type State = Transcript & {
  /** In the order of the log, except that thoughts stand before their message. The seq of an entry is its key. */
  readonly entries: readonly Entry[];
  /** When the debate started to run and when it ended: ISO 8601, or null. */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
};

export const EMPTY: State = {
  status: null,
  mode: null,
  reason: null,
  panel: null,
  routing: null,
  head: 0,
  messages: [],
  tools: [],
  humans: [],
  requests: [],
  controls: [],
  fallbacks: [],
  errors: [],
  snapshot: null,
  evidence: [],
  complete: null,
  entries: [],
  startedAt: null,
  endedAt: null,
};

/** The messages in which agents speak: all but their thoughts. */
export function spokenMessages(state: State): readonly Message[] {
  return state.messages.filter(({ kind }) => kind !== "thinking");
}

export function isTerminal(status: Status | null): boolean {
  return status === "completed" || status === "cancelled" || status === "error";
}

/** The message that an entry began, if it began one. */
export function messageOf({ messages }: State, entry: Entry | undefined): Message | undefined {
  return entry?.type === "message_start" ? messages.find(({ id }) => id === entry.data.message) : undefined;
}

/** The first `count` Unicode code points of `text`; the log counts in these, JavaScript in UTF-16. */
export function firstCodePoints(text: string, count: number): string {
  if (count >= text.length) return text;
  let units = 0;
  for (let points = 0; points < count && units < text.length; points += 1) {
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
  }
  return text.slice(0, units);
}
