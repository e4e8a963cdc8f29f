// Generated from conversations/events.py by `npm run types`. Do not edit.

/** A whole message; its `content` replaces the text that tokens built. Cost in US dollars. */
export type AgentMessage = {
  message: string;
  agent: string;
  role: string;
  kind: Kind;
  round: number;
  content: string;
  confidence: number | null;
  usage: Usage;
  cost: number | null;
  model: string;
  provider: string;
  mode: Mode;
  finish_reason: string;
  duration_ms: number;
};

/** The verdict. With `no_verdict`, `reason` says why and the texts may be empty. */
export type Complete = {
  verdict: Stance;
  confidence: number | null;
  summary: string;
  consensus: string;
  dissent: string;
  key_points: readonly string[];
  risks: readonly string[];
  horizon: string;
  reason: string | null;
  cost_summary: CostSummary;
  mode: Mode;
  transcript_sha256: string;
};

/** `usd` is null unless the price of every message is known. */
export type CostSummary = {
  usd: number | null;
  priced_messages: number;
  unpriced_messages: number;
  input_tokens: number | null;
  output_tokens: number | null;
};

/** `code` is stable; `message` is a sentence for a person. On the wire, `field` and `rule`
 * name what a refused frame got wrong. */
export type Error = {
  code: string;
  message: string;
  retryable: boolean;
  field: string | null;
  rule: string | null;
};

export type Fallback = {
  from: string;
  to: string;
  code: string;
  reason: string;
};

export type Heartbeat = {
  head: number;
};

/** The first frame. `from` is the cursor after which events follow; `recovered` is true when
 * that is the cursor the client asked for. */
export type Hello = {
  head: number;
  status: Status;
  mode: Mode;
  recovered: boolean;
  from: number;
  heartbeat_seconds: number;
};

export type HumanMessage = {
  author: string;
  text: string;
  reply_to: string | null;
};

/** An agent's question to the owner. `timeout` in seconds, or null for none. */
export type InputRequest = {
  request: string;
  prompt: string;
  timeout: number | null;
};

/** What a message is, known from its turn and its tool calls, never from its words. */
export type Kind = "routing" | "thinking" | "action" | "tool_result" | "validation" | "analysis" | "final" | "message";

export type MessageDiscard = {
  message: string;
  reason: string;
};

export type MessageStart = {
  message: string;
  agent: string;
  role: string;
  kind: Kind;
  round: number;
  model: string;
  provider: string;
  mode: Mode;
  streaming: boolean;
};

/** Whether a model really spoke (live) or a script did (demo). */
export type Mode = "live" | "demo";

export type Notice = {
  text: string;
};

export type Pong = Record<string, never>;

/** Which panel took the question. `confidence` is null where nothing stated one. */
export type Routing = {
  panel: string;
  reason: string;
  confidence: number | null;
};

export type Stance = "strong_buy" | "buy" | "hold" | "sell" | "strong_sell" | "no_verdict";

export type Status = "queued" | "initializing" | "active" | "paused" | "awaiting_input" | "completed" | "cancelled" | "error";

export type StatusChanged = {
  status: Status;
  mode: Mode;
  reason: string | null;
};

/** One or more neighbouring tokens. `offset` counts Unicode code points from the message's
 * start; `cost` is the message's running estimate in US dollars, or null. */
export type Token = {
  message: string;
  offset: number;
  text: string;
  token_count: number;
  cost: number | null;
};

export type ToolEnd = {
  call: string;
  message: string;
  tool: string;
  output: string;
};

export type ToolError = {
  call: string;
  message: string;
  tool: string;
  code: string;
};

export type ToolStart = {
  call: string;
  message: string;
  tool: string;
  input: string;
};

/** Tokens as the provider counted them; null where it did not say. */
export type Usage = {
  input_tokens: number | null;
  output_tokens: number | null;
};

export type StatusFrame = {
  type: "status";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: StatusChanged;
};

export type RoutingFrame = {
  type: "routing";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: Routing;
};

export type MessageStartFrame = {
  type: "message_start";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: MessageStart;
};

export type TokenFrame = {
  type: "token";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: Token;
};

export type AgentMessageFrame = {
  type: "agent_message";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: AgentMessage;
};

export type MessageDiscardFrame = {
  type: "message_discard";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: MessageDiscard;
};

export type ToolStartFrame = {
  type: "tool_start";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: ToolStart;
};

export type ToolEndFrame = {
  type: "tool_end";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: ToolEnd;
};

export type ToolErrorFrame = {
  type: "tool_error";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: ToolError;
};

export type InputRequestFrame = {
  type: "input_request";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: InputRequest;
};

export type HumanMessageFrame = {
  type: "human_message";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: HumanMessage;
};

export type FallbackFrame = {
  type: "fallback";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: Fallback;
};

export type ErrorFrame = {
  type: "error";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: Error;
};

export type CompleteFrame = {
  type: "complete";
  seq: number | null;
  conversation: string | null;
  at: string;
  data: Complete;
};

export type HelloFrame = {
  type: "hello";
  seq: null;
  conversation: string | null;
  at: string;
  data: Hello;
};

export type HeartbeatFrame = {
  type: "heartbeat";
  seq: null;
  conversation: string | null;
  at: string;
  data: Heartbeat;
};

export type PongFrame = {
  type: "pong";
  seq: null;
  conversation: string | null;
  at: string;
  data: Pong;
};

export type NoticeFrame = {
  type: "notice";
  seq: null;
  conversation: string | null;
  at: string;
  data: Notice;
};

export type StoredFrame = StatusFrame | RoutingFrame | MessageStartFrame | TokenFrame | AgentMessageFrame | MessageDiscardFrame | ToolStartFrame | ToolEndFrame | ToolErrorFrame | InputRequestFrame | HumanMessageFrame | FallbackFrame | ErrorFrame | CompleteFrame;

export type WireFrame = HelloFrame | HeartbeatFrame | PongFrame | NoticeFrame;

export type Frame = StoredFrame | WireFrame;
