// The state after events, as the server's conversations/transcript.py folds them.
// Pure: a state given in is never changed, and what an event does not touch keeps its identity,
// so that a view sees by comparison alone what it has to draw again.

import { EMPTY, type LogEvent, type Message, type Request, type State, type Tool, seqBefore } from "./state.ts";

export class MissingEvent extends Error {}

/** The state after `events`. Skips what is not above the head; throws MissingEvent at a gap. */
export function fold(events: Iterable<LogEvent>, state: State = EMPTY): State {
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
    case "status": {
      const { status, mode, reason } = event.data;
      return { ...state, status, mode, reason };
    }
    case "routing":
      return { ...state, panel: event.data.panel };
    case "message_start": {
      const { message: id, ...described } = event.data;
      return { ...state, messages: [...state.messages, { id, ...described, ...SILENT }] };
    }
    case "token": {
      const { message, offset, text, token_count, cost } = event.data;
      return withMessage(state, message, (spoken) => ({
        text: firstCodePoints(spoken.text, offset) + text,
        tokens: spoken.tokens + token_count,
        cost,
      }));
    }
    case "agent_message": {
      const { message, content: text, confidence, usage, cost, model, provider, mode } = event.data;
      const { finish_reason, duration_ms, token_count } = event.data;
      const said = { text, confidence, usage, cost, model, provider, mode, finish_reason, duration_ms };
      // Whoever got the whole message without its tokens counts the same; earlier logs do not say.
      const counted = token_count == null ? {} : { tokens: token_count };
      return withMessage(state, message, () => ({ state: "done", ...said, ...counted }));
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
    case "input_request":
      return { ...state, requests: [...state.requests, { ...event.data, state: "open" }] };
    case "input_expired":
      return settled(state, event.data.request, "expired");
    case "human_message": {
      const { author, text, reply_to } = event.data;
      return settled({ ...state, humans: [...state.humans, { author, text, reply_to }] }, reply_to, "answered");
    }
    case "control": {
      const { action, actor } = event.data;
      return { ...state, controls: [...state.controls, { action, actor }] };
    }
    case "fallback":
      return { ...state, fallbacks: [...state.fallbacks, event.data] };
    case "error": {
      const { code, message, retryable } = event.data;
      return { ...state, errors: [...state.errors, { code, message, retryable }] };
    }
    case "complete":
      return { ...state, complete: event.data };
    default:
      throw new Error(`unknown event ${JSON.stringify((event satisfies never as LogEvent).type)}`);
  }
}

const SILENT = {
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

function settled(state: State, id: string | null, how: Request["state"]): State {
  if (!state.requests.some(({ request }) => request === id)) return state;
  const requests = state.requests.map((request) => (request.request === id ? { ...request, state: how } : request));
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
