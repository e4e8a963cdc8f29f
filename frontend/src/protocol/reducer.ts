// The one place that interprets the events of the log. Everything on the page is derived from the state made here.
//
// Pure: the given state is never changed, and parts that an event does not affect keep their identity, so that a view
// can compare them to know what to render again. Events of an unknown type only advance `head`.

import {
  EMPTY,
  type Entry,
  type LogEvent,
  type Message,
  type Request,
  type State,
  type Tool,
  firstCodePoints,
  isTerminal,
  messageOf,
  seqBefore,
} from "./state.ts";

type StatusEvent = Extract<LogEvent, { type: "status" }>;

export class MissingEvent extends Error {}

/** The state after `events`. Skips those at or below the head; throws MissingEvent at a gap. */
export function reduce(events: Iterable<LogEvent>, state: State = EMPTY): State {
  for (const event of events) {
    if (event.seq <= state.head) continue;
    if (seqBefore(event) !== state.head) {
      throw new MissingEvent(`event ${state.head + 1} is missing before ${event.seq}`);
    }
    state = { ...apply(state, event), head: event.seq };
  }
  return state;
}

function apply(state: State, event: LogEvent): State {
  switch (event.type) {
    case "status":
      return withStatus(state, event);
    case "routing":
      return { ...state, panel: event.data.panel, routing: { ...ROUTED, ...event.data } };
    case "message_start": {
      const { message: id, ...described } = event.data;
      return withStarted(state, { ...described, id, ...NOT_SPOKEN }, event);
    }
    case "token": {
      const { message, offset, text, token_count, cost } = event.data;
      return withMessage(state, message, (before) => ({
        text: firstCodePoints(before.text, offset) + text,
        tokens: before.tokens + token_count,
        cost,
      }));
    }
    case "agent_message": {
      const { message, content: text, confidence, usage, cost, model, provider, mode } = event.data;
      const { finish_reason, duration_ms, token_count } = event.data;
      const whole = { text, confidence, usage, cost, model, provider, mode, finish_reason, duration_ms };
      // The message's own count also serves watchers that got no tokens. Logs of older versions have none.
      const counted = token_count == null ? {} : { tokens: token_count };
      return withMessage(state, message, () => ({ state: "done", ...whole, ...counted }));
    }
    case "message_discard": {
      const { message, reason } = event.data;
      return withMessage(state, message, () => ({ state: "discarded", discard_reason: reason }));
    }
    case "snapshot":
      return { ...state, snapshot: event.data, evidence: [] };
    case "evidence":
      return { ...state, evidence: [...state.evidence, ...event.data.items] };
    case "figures": {
      const { message, items, final } = event.data;
      return withMessage(state, message, ({ figures }) => ({ figures: final ? items : [...figures, ...items] }));
    }
    case "tool_start":
      return { ...state, tools: [...state.tools, { ...event.data, input_text: event.data.input_text ?? null, ...NO_RESULT }] };
    case "tool_end": {
      const { call, output, output_text = null, table = null, evidence = [], checks = [], duration_ms = null } = event.data;
      return withTool(state, call, { output, output_text, table, evidence, checks, duration_ms });
    }
    case "tool_error": {
      const { call, code: error, reason = "", duration_ms = null } = event.data;
      return withTool(state, call, { error, reason, duration_ms });
    }
    case "input_request": {
      const requests = [...state.requests, { ...event.data, offset: event.data.offset ?? null, state: "open" as const, skipped_by: null }];
      return withEntry({ ...state, requests }, event);
    }
    case "input_expired":
      return withRequest(state, event.data.request, "expired", event.data.actor);
    case "human_message": {
      const { author, text, reply_to, to = null } = event.data;
      const humans = [...state.humans, { author, text, reply_to, to }];
      return withEntry(withRequest({ ...state, humans }, reply_to, "answered"), event);
    }
    case "control": {
      const { action, actor } = event.data;
      return withEntry({ ...state, controls: [...state.controls, { action, actor }] }, event);
    }
    case "fallback":
      return withEntry({ ...state, fallbacks: [...state.fallbacks, event.data] }, event);
    case "error": {
      const { code, message, retryable } = event.data;
      return withEntry({ ...state, errors: [...state.errors, { code, message, retryable }] }, event);
    }
    case "complete":
      return withEntry({ ...state, complete: event.data }, event);
    default:
      event satisfies never; // the compiler asks for a case where a new type is generated
      return state;
  }
}

// Logs of older versions do not say who chose.
const ROUTED = { confidence: null, by: "person" } as const;

const NO_RESULT = { output: null, output_text: null, table: null, evidence: [], checks: [], error: null, reason: "", duration_ms: null } as const;

const NOT_SPOKEN = {
  state: "speaking",
  text: "",
  tokens: 0,
  confidence: null,
  usage: null,
  cost: null,
  finish_reason: null,
  duration_ms: null,
  discard_reason: null,
  figures: [],
} as const;

function withStatus(state: State, event: StatusEvent): State {
  const { status, mode, reason } = event.data;
  const next = { ...state, status, mode, reason };
  if (isTerminal(status)) next.endedAt = event.at;
  else if (status !== "queued") next.startedAt ??= event.at;
  // The last status repeats the reason, but the page shows it once, when the limit was reached.
  const isNew = reason === "budget" && state.entries.every(({ type }) => type !== "status");
  return isNew ? withEntry(next, event) : next;
}

/** The state with a message that begins. Thoughts stand before the message that they lead to, which has begun. */
function withStarted(state: State, message: Message, entry: Entry): State {
  const last = state.messages.at(-1);
  if (message.kind !== "thinking" || last?.state !== "speaking") {
    return withEntry({ ...state, messages: [...state.messages, message] }, entry);
  }
  const place = state.entries.findLastIndex((other) => messageOf(state, other) === last);
  return {
    ...state,
    messages: [...state.messages.slice(0, -1), message, last],
    entries: [...state.entries.slice(0, place), entry, ...state.entries.slice(place)],
  };
}

function withEntry(state: State, entry: Entry): State {
  return { ...state, entries: [...state.entries, entry] };
}

function withMessage(state: State, id: string, change: (message: Message) => Partial<Message>): State {
  const index = state.messages.findLastIndex((message) => message.id === id);
  const message = state.messages[index];
  if (message === undefined) throw new Error(`message ${id} has not started`);
  return { ...state, messages: state.messages.with(index, { ...message, ...change(message) }) };
}

function withTool(state: State, call: string, change: Partial<Tool>): State {
  const index = state.tools.findLastIndex((tool) => tool.call === call);
  const tool = state.tools[index];
  if (tool === undefined) throw new Error(`tool call ${call} has not started`);
  return { ...state, tools: state.tools.with(index, { ...tool, ...change }) };
}

function withRequest(
  state: State,
  id: string | null,
  outcome: Request["state"],
  skipped_by: string | null = null,
): State {
  if (!state.requests.some(({ request }) => request === id)) return state;
  const requests = state.requests.map((request) =>
    request.request === id ? { ...request, state: outcome, skipped_by } : request,
  );
  return { ...state, requests };
}
