// The one place that interprets the events of the log. Everything on the page is derived from the state made here.
//
// Pure: the given state is never changed, and parts that an event does not affect keep their identity, so that a view
// can compare them to know what to render again. Events of an unknown type only advance `head`.

import type { StatusFrame } from "./events.gen.ts";
import {
  EMPTY,
  type Entry,
  type LogEvent,
  type Message,
  type Request,
  type State,
  type Tool,
  isTerminal,
  seqBefore,
} from "./state.ts";

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
      return { ...state, panel: event.data.panel };
    case "message_start": {
      const { message: id, ...described } = event.data;
      return withStarted(state, { ...described, id, ...NOT_SPOKEN }, event.at);
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
    case "tool_start":
      return { ...state, tools: [...state.tools, { ...event.data, output: null, error: null }] };
    case "tool_end":
      return withTool(state, event.data.call, { output: event.data.output });
    case "tool_error":
      return withTool(state, event.data.call, { error: event.data.code });
    case "input_request": {
      const requests = [...state.requests, { ...event.data, state: "open" as const }];
      return withEntry({ ...state, requests }, { kind: "request", index: state.requests.length, request: event.data });
    }
    case "input_expired":
      return withRequest(state, event.data.request, "expired");
    case "human_message": {
      const { author, text, reply_to, idempotency_key } = event.data;
      const human = { author, text, reply_to };
      const humans = [...state.humans, human];
      const next = withEntry({ ...state, humans }, { kind: "human", index: state.humans.length, human });
      return withKey(withRequest(next, reply_to, "answered"), idempotency_key);
    }
    case "control": {
      const { action, actor, idempotency_key } = event.data;
      const control = { action, actor };
      const controls = [...state.controls, control];
      const next = withEntry({ ...state, controls }, { kind: "control", index: state.controls.length, control });
      return withKey(next, idempotency_key);
    }
    case "fallback": {
      const { data: fallback } = event;
      const fallbacks = [...state.fallbacks, fallback];
      return withEntry({ ...state, fallbacks }, { kind: "fallback", index: state.fallbacks.length, fallback });
    }
    case "error": {
      const { code, message, retryable } = event.data;
      const error = { code, message, retryable };
      return withEntry({ ...state, errors: [...state.errors, error] }, { kind: "error", index: state.errors.length, error });
    }
    case "complete":
      return withEntry({ ...state, complete: event.data }, { kind: "verdict", index: 0, complete: event.data });
    default:
      event satisfies never; // the compiler asks for a case where a new type is generated
      return state;
  }
}

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
} as const;

function withStatus(state: State, { data: { status, mode, reason }, at }: StatusFrame): State {
  const next = { ...state, status, mode, reason };
  if (isTerminal(status)) next.endedAt = at;
  else if (status !== "queued") next.startedAt ??= at;
  // The last status repeats the reason, but the page shows it once, when the limit was reached.
  const isNew = reason === "budget" && state.entries.every(({ kind }) => kind !== "budget");
  return isNew ? withEntry(next, { kind: "budget", index: 0 }) : next;
}

/** The state with a message that begins. Thoughts stand before the message that they lead to, which has begun. */
function withStarted(state: State, message: Message, at: string): State {
  const entry: Entry = { kind: "message", id: message.id, at };
  const last = state.messages.at(-1);
  if (message.kind !== "thinking" || last?.state !== "speaking") {
    return withEntry({ ...state, messages: [...state.messages, message] }, entry);
  }
  const place = state.entries.findLastIndex((other) => other.kind === "message" && other.id === last.id);
  return {
    ...state,
    messages: [...state.messages.slice(0, -1), message, last],
    entries: [...state.entries.slice(0, place), entry, ...state.entries.slice(place)],
  };
}

function withEntry(state: State, entry: Entry): State {
  return { ...state, entries: [...state.entries, entry] };
}

function withKey(state: State, key: string | null | undefined): State {
  return key == null ? state : { ...state, acceptedKeys: [...state.acceptedKeys, key] };
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

function withRequest(state: State, id: string | null, outcome: Request["state"]): State {
  if (!state.requests.some(({ request }) => request === id)) return state;
  const requests = state.requests.map((request) =>
    request.request === id ? { ...request, state: outcome } : request,
  );
  return { ...state, requests };
}

/** The first `count` Unicode code points of `text`; the log counts in these, JavaScript in UTF-16. */
function firstCodePoints(text: string, count: number): string {
  if (count >= text.length) return text;
  let units = 0;
  for (let points = 0; points < count && units < text.length; points += 1) {
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
  }
  return text.slice(0, units);
}
