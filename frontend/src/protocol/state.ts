// A conversation's state: what `fold` makes of its events. The same JSON as the server's
// conversations/transcript.py.

import type {
  AgentMessage,
  Complete,
  Control,
  Fallback,
  HumanMessage,
  InputRequest,
  MessageStart,
  Mode,
  Status,
  StoredFrame,
  ToolStart,
  Usage,
} from "./events.gen.ts";

/** An event of the log: a frame that has a place in it. */
export type LogEvent = StoredFrame & { seq: number };

/** seq of the event before this one. A frame may stand for several events: it then names the one before the first. */
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
};

export type Tool = ToolStart & { readonly output: string | null; readonly error: string | null };

export type Request = InputRequest & { readonly state: "open" | "answered" | "expired" };

export type Human = Omit<HumanMessage, "idempotency_key">;

export type Command = Omit<Control, "idempotency_key">;

export type Failure = { readonly code: string; readonly message: string; readonly retryable: boolean };

export type State = {
  readonly status: Status | null;
  readonly mode: Mode | null;
  readonly reason: string | null;
  readonly panel: string | null;
  readonly head: number;
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly humans: readonly Human[];
  readonly requests: readonly Request[];
  readonly controls: readonly Command[];
  readonly fallbacks: readonly Fallback[];
  readonly errors: readonly Failure[];
  readonly complete: Complete | null;
};

export const EMPTY: State = {
  status: null,
  mode: null,
  reason: null,
  panel: null,
  head: 0,
  messages: [],
  tools: [],
  humans: [],
  requests: [],
  controls: [],
  fallbacks: [],
  errors: [],
  complete: null,
};

export function isTerminal(status: Status | null): boolean {
  return status === "completed" || status === "cancelled" || status === "error";
}
