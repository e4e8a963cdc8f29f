// Generated from streaming/monitoring/dashboard.py by `npm run types`. Do not edit.

/** How many connections this process has closed with this code. */
export type Closed = {
  code: number;
  name: string;
  count: number;
};

/** How many there are, by state (every state, 0 included) and by transport (those in use). */
export type Connections = {
  total: number;
  states: Record<StreamState, number>;
  transports: Record<string, number>;
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

/** `lagging`: watchers that take tokens more slowly than they come, now. Since the process started: `repaired`, how
 * often a channel layer had dropped something; `pages`, reads of the log for watchers that were behind; `closed`,
 * connections that the process closed. `series` has one sample for each five seconds of the last ten minutes, the
 * oldest first. */
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
  series: readonly Sample[];
};

/** Where several processes serve, each has figures of its own. */
export type Process = {
  host: string;
  pid: number;
  started: string;
};

/** Tokens a second over the last `seconds`: `spoken` came in for conversations that are watched, `delivered` were
 * handed to all their watchers together. */
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

/** A watcher. `behind`: events of its conversation that it has not been sent yet; `acked`: whether its client
 * acknowledges events. `tokens`, `frames` and `bytes` have been sent; `rate` is the most tokens a second that it asked
 * for, null for no limit. */
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

/** How a watcher's stream stands. `lagging`: it takes the words more slowly than they come, and gets whole messages
 * until it has caught up. `paused`: as it asked. `reconnecting`: the server waits for its database, and what is spoken
 * meanwhile comes when it is back. */
export type StreamState = "idle" | "streaming" | "paused" | "lagging" | "reconnecting" | "error" | "closed";
