// Generated from conversations/domain/events.py by `npm run types`. Do not edit.

/** A command to a debate. CONCLUDE: the moderator judges after the current turn. */
export type Action = "pause" | "resume" | "cancel" | "conclude";

/** A finished message. Its `content` replaces the text of its tokens, and its `token_count` the sum of theirs. A
 * message that a cancel has cut off has the text so far, and the finish_reason `cancelled`. `cost` is in US dollars:
 * null if unknown, 0 for what the server runs itself (`local`, `demo`). */
export type AgentMessage = {
  message: string;
  agent: string;
  role: string;
  kind: Kind;
  round: number;
  content: string;
  token_count: number | null;
  confidence: number | null;
  usage: Usage;
  cost: number | null;
  model: string;
  provider: string;
  mode: Mode;
  finish_reason: string;
  duration_ms: number;
};

/** A figure of a message. `start` and `end` count code points of its text. `value` is in base units: $156.5bn is
 * 156500000000, 45 % is 45; null if its notation is not understood. `label` is one of matched, derived, consistent,
 * contradicted, unsupported, assumption, unchecked. `expected` is the record's value where it contradicts. */
export type CheckedFigure = {
  start: number;
  end: number;
  text: string;
  value: string | null;
  unit: string;
  label: string;
  evidence: readonly string[];
  expected: string | null;
  formula: string | null;
};

/** The verdict. With `no_verdict`, `reason` is the cause, and the texts may be empty. `horizon` has a number or is
 * empty; `would_change` says what would change the stance. `figures` and `snapshot` (the record's SHA-256) are null
 * if the debate has no record. */
export type Complete = {
  verdict: Stance;
  confidence: number | null;
  summary: string;
  consensus: string;
  dissent: string;
  key_points: readonly string[];
  risks: readonly string[];
  horizon: string;
  would_change: string;
  reason: string | null;
  cost_summary: CostSummary;
  mode: Mode;
  transcript_sha256: string;
  figures: FigureCounts | null;
  snapshot: string | null;
};

/** A person's command. The `status` that follows shows its effect. */
export type Control = {
  action: Action;
  actor: string;
  idempotency_key: string | null;
};

/** `usd` is null unless the price of every message is known. */
export type CostSummary = {
  usd: number | null;
  priced_messages: number;
  unpriced_messages: number;
  input_tokens: number | null;
  output_tokens: number | null;
};

/** `code` is stable; `message` is a sentence for a person. In the answer to an invalid frame of a client, `field`
 * and `rule` name what is invalid, and `idempotency_key` is the frame's own. */
export type Error = {
  code: string;
  message: string;
  retryable: boolean;
  field: string | null;
  rule: string | null;
  idempotency_key: string | null;
};

/** Items of the record, in its order. Their ids never change. Those after the snapshot's are results of tools. */
export type Evidence = {
  items: readonly Item[];
};

export type Fallback = {
  from: string;
  to: string;
  code: string;
  reason: string;
};

/** How many figures of the debate have each label. */
export type FigureCounts = {
  matched: number;
  derived: number;
  consistent: number;
  contradicted: number;
  unsupported: number;
  assumption: number;
  unchecked: number;
};

/** Figures of a message, checked by a version of the rules. While the message streams, each event has those of its
 * newest sentences. The `final` one has all, and replaces them. */
export type Figures = {
  message: string;
  checker: string;
  items: readonly CheckedFigure[];
  final: boolean;
};

export type Heartbeat = {
  head: number;
};

/** The first frame. `from` is the cursor after which events follow; `recovered` is true when
 * that is the cursor the client asked for. `session` names this connection. */
export type Hello = {
  head: number;
  status: Status;
  mode: Mode;
  recovered: boolean;
  from: number;
  heartbeat_seconds: number;
  session: string;
};

/** A person's message to the panel, or the answer to the question `reply_to`. `to` is the role of the agent that is
 * to answer the message; null: the next speaker. */
export type HumanMessage = {
  author: string;
  text: string;
  reply_to: string | null;
  idempotency_key: string | null;
  to: string | null;
};

/** The debate continues without an answer to the question: its time is over, or the person `actor` skipped it. */
export type InputExpired = {
  request: string;
  actor: string | null;
  idempotency_key: string | null;
};

/** An agent's question to the owner, asked during `message`, after `offset` Unicode code points of its text (null:
 * unknown). It expires at `deadline`, after `timeout` seconds; both are null if it does not expire. */
export type InputRequest = {
  request: string;
  message: string;
  agent: string;
  prompt: string;
  timeout: number | null;
  deadline: string | null;
  offset: number | null;
};

/** What a debate is about. `names` are what people call it beside its symbol. */
export type Instrument = {
  symbol: string;
  name: string;
  exchange: string;
  currency: string | null;
  names: readonly string[];
};

/** One figure of the record.
 * 
 * `subject` is a ticker, currency pair or country; `period` a day, a month, "FY2012", "Q3 2012", "2012", or two days
 * joined by ".."; `known_at` when it was published. `locator` says where in its source it stands. */
export type Item = {
  id: string;
  subject: string;
  metric: string;
  label: string;
  definition: string;
  period: string;
  value: string;
  unit: Unit;
  currency: string | null;
  source: string;
  licence: string;
  locator: string;
  known_at: string | null;
  quality: Quality;
};

/** The kind of a message, determined by its turn and its tool calls, never by its text. */
export type Kind = "routing" | "thinking" | "action" | "tool_result" | "validation" | "analysis" | "final" | "message";

export type MessageDiscard = {
  message: string;
  reason: string;
};

/** An agent begins to speak. `texts` says how much of the content and of each source, in order, its model was given;
 * empty if it was all of them. `items` are the ids of the items of the record that it was given. */
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
  texts: readonly TextRead[];
  items: readonly string[];
};

/** A figure that was looked for and not found. */
export type Missing = {
  subject: string;
  metric: string;
  reason: MissingReason;
};

/** Why a figure is not in the record. Readers know all of them, though the library alone gives only some. */
export type MissingReason = "before_first_value" | "licence" | "no_data" | "not_configured" | "rate_limited" | "stale" | "timeout" | "too_many" | "unavailable" | "wrong_instrument";

/** Whether messages come from a model (live) or from a script (demo). */
export type Mode = "live" | "demo";

/** An announcement from an operator to everyone who is connected. */
export type Notice = {
  text: string;
};

export type Pong = Record<string, never>;

/** How far a value can be trusted. USER: taken from the sources that a person gave. */
export type Quality = "ok" | "stale" | "restated" | "estimate" | "user";

/** How a result can be drawn, by places of its columns: `y` over the dates, or the names, of `x`. */
export type ResultChart = {
  kind: ResultChartKind;
  x: number;
  y: readonly number[];
};

/** How a result in rows can be drawn. */
export type ResultChartKind = "line" | "bar";

/** The beginning of a result in rows; `total` is how many it has, null if there are more than a result may have.
 * `chart` is null if it is not known how to draw it. */
export type ResultTable = {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
  total: number | null;
  chart: ResultChart | null;
};

/** Who chose the panel of a conversation. DEFAULT: nothing decided, so the default panel took it. */
export type RoutedBy = "person" | "rules" | "supervisor" | "default";

/** The panel that answers the question, and why: `chosen_at_start` if a person chose it, else a sentence.
 * `confidence`, from 0 to 1 as a decimal, is the supervisor's own; null if it was not asked. `usage` and `cost` (US
 * dollars) are of its call: null without one, or if they are unknown. */
export type Routing = {
  panel: string;
  reason: string;
  confidence: string | null;
  by: RoutedBy;
  usage: Usage | null;
  cost: number | null;
};

/** The record that the debate's figures are checked against, frozen before the first message. `snapshot` is its
 * SHA-256; `items` is how many items follow in `evidence` events. `sources` are where they come from. */
export type Snapshot = {
  snapshot: string;
  as_of: string;
  instrument: Instrument | null;
  items: number;
  missing: readonly Missing[];
  sources: readonly string[];
};

export type Stance = "strong_buy" | "buy" | "hold" | "sell" | "strong_sell" | "no_verdict";

export type Status = "queued" | "initializing" | "active" | "paused" | "awaiting_input" | "completed" | "cancelled" | "error";

export type StatusChanged = {
  status: Status;
  mode: Mode;
  reason: string | null;
};

/** The watcher's own stream has changed its state. */
export type Stream = {
  state: StreamState;
};

/** The state of a watcher's stream. `lagging`: the client receives tokens more slowly than they arrive, and gets
 * whole messages until it has caught up. `paused`: by the client. `reconnecting`: the server waits for its database;
 * events of the meantime are sent when it is back. */
export type StreamState = "idle" | "streaming" | "paused" | "lagging" | "reconnecting" | "error" | "closed";

/** How much of a text a model was given: the first `read` of its `characters`. `source` is the name of the source;
 * null for the content. */
export type TextRead = {
  source: string | null;
  characters: number;
  read: number;
};

/** One or more neighbouring tokens. `offset` counts Unicode code points from the message's start; `cost` is the
 * estimated cost of the message so far in US dollars, or null if unknown. */
export type Token = {
  message: string;
  offset: number;
  text: string;
  token_count: number;
  cost: number | null;
};

/** What a call gave. `output` is the text that the agent reads, at most 4,000 characters of it; a result in rows is
 * also a `table`. If they have only its beginning, `output_text` is the id of the whole. `evidence` are the items that
 * it added to the record, in an `evidence` event before this one. `checks` are sentences on what rules find in the
 * result. `duration_ms` is null if it was not measured. */
export type ToolEnd = {
  call: string;
  message: string;
  tool: string;
  output: string;
  output_text: string | null;
  table: ResultTable | null;
  evidence: readonly string[];
  checks: readonly string[];
  duration_ms: number | null;
};

/** A call failed. `reason` is a sentence for a person, which the agent reads, too; it may be empty. */
export type ToolError = {
  call: string;
  message: string;
  tool: string;
  code: string;
  reason: string;
  duration_ms: number | null;
};

/** An agent calls a tool during `message`. `input` is JSON, at most 4,000 characters of it; if it has more,
 * `input_text` is the id of the whole. The end, or the error, of a call has the same `call`; calls may overlap. */
export type ToolStart = {
  call: string;
  message: string;
  tool: string;
  input: string;
  input_text: string | null;
};

/** What a value counts. PERCENT 45 is 45 %, not 0.45. */
export type Unit = "currency" | "percent" | "ratio" | "count" | "index";

/** Tokens as counted by the provider; null if it did not report them. */
export type Usage = {
  input_tokens: number | null;
  output_tokens: number | null;
};

export type StatusFrame = Stored<"status", StatusChanged>;

export type RoutingFrame = Stored<"routing", Routing>;

export type SnapshotFrame = Stored<"snapshot", Snapshot>;

export type EvidenceFrame = Stored<"evidence", Evidence>;

export type MessageStartFrame = Stored<"message_start", MessageStart>;

export type TokenFrame = Stored<"token", Token>;

export type AgentMessageFrame = Stored<"agent_message", AgentMessage>;

export type FiguresFrame = Stored<"figures", Figures>;

export type MessageDiscardFrame = Stored<"message_discard", MessageDiscard>;

export type ToolStartFrame = Stored<"tool_start", ToolStart>;

export type ToolEndFrame = Stored<"tool_end", ToolEnd>;

export type ToolErrorFrame = Stored<"tool_error", ToolError>;

export type InputRequestFrame = Stored<"input_request", InputRequest>;

export type InputExpiredFrame = Stored<"input_expired", InputExpired>;

export type HumanMessageFrame = Stored<"human_message", HumanMessage>;

export type ControlFrame = Stored<"control", Control>;

export type FallbackFrame = Stored<"fallback", Fallback>;

export type ErrorFrame = Stored<"error", Error>;

export type CompleteFrame = Stored<"complete", Complete>;

export type HelloFrame = Unstored<"hello", Hello>;

export type HeartbeatFrame = Unstored<"heartbeat", Heartbeat>;

export type PongFrame = Unstored<"pong", Pong>;

export type NoticeFrame = Unstored<"notice", Notice>;

export type StreamFrame = Unstored<"stream", Stream>;

export type StoredFrame = StatusFrame | RoutingFrame | SnapshotFrame | EvidenceFrame | MessageStartFrame | TokenFrame | AgentMessageFrame | FiguresFrame | MessageDiscardFrame | ToolStartFrame | ToolEndFrame | ToolErrorFrame | InputRequestFrame | InputExpiredFrame | HumanMessageFrame | ControlFrame | FallbackFrame | ErrorFrame | CompleteFrame;

export type WireFrame = HelloFrame | HeartbeatFrame | PongFrame | NoticeFrame | StreamFrame;

export type Frame = StoredFrame | WireFrame;

type Stored<Type, Data> = {
  type: Type;
  seq: number | null;
  conversation: string | null;
  at: string;
  data: Data;
  after?: number;
};

type Unstored<Type, Data> = {
  type: Type;
  seq: null;
  conversation: string | null;
  at: string;
  data: Data;
};
