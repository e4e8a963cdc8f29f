// Generated from streaming/monitoring/dashboard.py by `npm run types`. Do not edit.

/** The number of connections that this process has closed with this code. */
export type Closed = {
  code: number;
  name: string;
  count: number;
};

/** Open connections, by state (every state, 0 included) and by transport (those in use). */
export type Connections = {
  total: number;
  states: Record<StreamState, number>;
  transports: Record<string, number>;
};

/** The debates that began on a day (UTC), in the whole installation, and how many of them have failed. `usd` and
 * `tokens` are what all debates spent on it, with what is reserved for calls under way; `unpriced` counts calls of
 * unknown price, which `usd` leaves out. */
export type Day = {
  day: string;
  debates: number;
  failed: number;
  usd: number;
  unpriced: number;
  tokens: number;
};

/** `watched`: debates with watchers at this process. `running` and `statuses` are counted in the database: debates
 * that have not ended, and debates by status (every status, 0 included). */
export type Debates = {
  watched: number;
  running: number;
  statuses: Record<Status, number>;
};

/** Milliseconds from a token's commit to the log to its acknowledged paint in a browser, over the last `seconds`; at
 * most 4.4 % too high. Null where no browser has acknowledged one. */
export type Latency = {
  seconds: number;
  samples: number;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
};

/** A model's turns in this process since its start. `failures` counts failed attempts by code. `usd` is the cost of
 * the turns whose price is known, `unpriced` the number of the others. The time until the first token, in
 * milliseconds, is at most 19 % too high; null before there was one. */
export type ModelUsage = {
  provider: string;
  model: string;
  spoken: number;
  failures: Record<string, number>;
  input_tokens: number;
  output_tokens: number;
  usd: number;
  unpriced: number;
  first_token_p50_ms: number | null;
  first_token_p95_ms: number | null;
};

/** `lagging`: watchers that now receive tokens more slowly than they arrive. Since the process started: `repaired`,
 * how often a channel layer had dropped something; `pages`, reads of the log for watchers that were behind; `closed`,
 * connections that the process closed; `models`, the models that it called. `series` has one sample for each five
 * seconds of the last ten minutes, the oldest first. */
export type Overview = {
  process: Process;
  connections: Connections;
  conversations: Debates;
  tokens_per_second: Rates;
  latency: Latency;
  lagging: number;
  repaired: number;
  pages: number;
  closed: readonly Closed[];
  models: readonly ModelUsage[];
  series: readonly Sample[];
};

/** The process that answered. If several processes serve, each has its own figures. */
export type Process = {
  host: string;
  pid: number;
  started: string;
};

/** Tokens a second over the last `seconds`: `spoken` were received for conversations that are watched, `delivered`
 * were sent to all their watchers together. */
export type Rates = {
  seconds: number;
  spoken: number;
  delivered: number;
};

/** The five seconds up to `time`. `spoken` and `delivered` are tokens a second; `repaired` is how often the channel
 * layer had dropped something; `connections` and `lagging` are counted at the end. */
export type Sample = {
  time: string;
  connections: number;
  lagging: number;
  spoken: number;
  delivered: number;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
  repaired: number;
};

/** A watcher. `behind`: events of its conversation that have not been sent to it yet; `acked`: whether its client
 * acknowledges events. `tokens`, `frames` and `bytes` count what has been sent; `rate` is the maximum of tokens a
 * second that the client asked for, null for no limit. */
export type Session = {
  id: string;
  user: string;
  conversation: string | null;
  transport: string;
  state: StreamState;
  since: string;
  cursor: number;
  head: number;
  behind: number;
  acked: boolean;
  tokens: number;
  frames: number;
  bytes: number;
  rate: number | null;
};

/** The newest watchers of this process, and how many there are in all. */
export type Sessions = {
  total: number;
  sessions: readonly Session[];
};

export type Status = "queued" | "initializing" | "active" | "paused" | "awaiting_input" | "completed" | "cancelled" | "error";

/** The state of a watcher's stream. `lagging`: the client receives tokens more slowly than they arrive, and gets
 * whole messages until it has caught up. `paused`: by the client. `reconnecting`: the server waits for its database;
 * events of the meantime are sent when it is back. */
export type StreamState = "idle" | "streaming" | "paused" | "lagging" | "reconnecting" | "error" | "closed";
